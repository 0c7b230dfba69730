import ApusCore
import CApusKernels

/// Where the heads of a row of projections stand, and what is done to them before attention.
public struct HeadProjection: Sendable {
  public var queryHeads: Int
  /// Weights of the RMS norm of each query and key head (Qwen3's QK norm).
  public var queryNorm: [Float]?
  public var keyNorm: [Float]?
  public var epsilon: Float
  /// Whether queries and keys are rotated (RoPE, arXiv:2104.09864).
  public var rotated: Bool

  public init(
    queryHeads: Int, queryNorm: [Float]?, keyNorm: [Float]?, epsilon: Float, rotated: Bool
  ) {
    self.queryHeads = queryHeads
    self.queryNorm = queryNorm
    self.keyNorm = keyNorm
    self.epsilon = epsilon
    self.rotated = rotated
  }
}

extension Compute {
  /// Finishes the rows of a projection, [rows, queries | keys | values]: norms and rotates queries and keys in place
  /// and writes keys and values to their slots of one layer.
  ///
  /// Row i goes to token `tokens[i]` of block `blocks[i]`, with position `positions[i]` and row i of `angles`; one of a
  /// slice among `slices` that has views goes behind the keys of each view.
  public func finishHeads(
    _ projections: inout Matrix, rows: Int, heads: HeadProjection,
    angles: borrowing RotationTable, layer: Int, blocks: [PageID], tokens: [Int32],
    positions: [Int32], slices: [AttentionSlice] = [], into arena: KVArena
  ) {
    let geometry = arena.geometry
    let dimension = geometry.headDimension
    let keys = heads.queryHeads..<heads.queryHeads + geometry.headCount
    precondition(rows <= projections.rows && rows <= angles.rows)
    precondition(rows <= blocks.count && rows <= tokens.count && rows <= positions.count)
    precondition((keys.upperBound + geometry.headCount) * dimension <= projections.columns)
    precondition(2 * angles.half <= dimension)
    precondition(
      [heads.queryNorm, heads.keyNorm].allSatisfy { $0?.count ?? dimension == dimension })
    pool.rows(
      rows, of: projections.columns,
      HeadTask(
        table: kernels.table, base: projections.base, stride: projections.columns, heads: heads,
        half: angles.half, interleaved: angles.interleaved ? 1 : 0,
        cosines: UnsafePointer(angles.cosines.base), sines: UnsafePointer(angles.sines.base),
        layer: layer, blocks: blocks, tokens: tokens, positions: positions,
        hasViews: slices.contains { $0.views != nil }, slices: slices, arena: arena))
  }
}

private struct HeadTask: RangeTask {
  let table: UnsafePointer<apus_kernels>
  let base: UnsafeMutablePointer<Float>
  let stride: Int
  let heads: HeadProjection
  let half: Int
  let interleaved: Int32
  let cosines: UnsafePointer<Float>
  let sines: UnsafePointer<Float>
  let layer: Int
  let blocks: [PageID]
  let tokens: [Int32]
  let positions: [Int32]
  let hasViews: Bool
  let slices: [AttentionSlice]
  let arena: KVArena

  func run(_ piece: Int, _ range: Range<Int>) {
    let dimension = arena.geometry.headDimension
    let keys = heads.queryHeads..<heads.queryHeads + arena.geometry.headCount
    for row in range {
      let start = base + row * stride
      for head in 0..<keys.upperBound {
        let vector = start + head * dimension
        if let norm = head < keys.lowerBound ? heads.queryNorm : heads.keyNorm {
          table.pointee.rms_norm(vector, norm, heads.epsilon, dimension, vector)
        }
        if heads.rotated {
          table.pointee.rope(vector, half, cosines + row * half, sines + row * half, interleaved)
        }
      }
      let slice = hasViews ? slices.first { row - $0.rowStart < $0.rowCount } : nil
      for head in 0..<arena.geometry.headCount {
        let (slot, token) = place(row, head, slice)
        arena.store(
          key: start + (keys.lowerBound + head) * dimension,
          value: start + (keys.upperBound + head) * dimension,
          slot: slot, token: token, position: positions[row])
      }
    }
  }

  /// Where the key and value of a row go.
  private func place(_ row: Int, _ head: Int, _ slice: AttentionSlice?) -> (slot: Int, token: Int) {
    guard let slice, let views = slice.views else {
      return (arena.slot(block: blocks[row], layer: layer, head: head), Int(tokens[row]))
    }
    let index = views[layer, head].firstIndex + row - slice.rowStart
    let size = KVGeometry.pageSize
    return (Int(views[layer, head].slots[index / size]), index % size)
  }
}

/// Cosines and sines of the angles of some positions: [rows, half] each.
public struct RotationTable: ~Copyable {
  public let rows: Int
  public let half: Int
  public let interleaved: Bool
  var cosines: Buffer<Float>
  var sines: Buffer<Float>

  public init(rows: Int, half: Int, interleaved: Bool) {
    self.rows = rows
    self.half = half
    self.interleaved = interleaved
    cosines = Buffer(count: rows * half)
    sines = Buffer(count: rows * half)
  }

  /// Sets one row's numbers.
  public mutating func set(row: Int, index: Int, cosine: Float, sine: Float) {
    cosines[row * half + index] = cosine
    sines[row * half + index] = sine
  }
}
