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
  /// Row i goes to token `tokens[i]` of block `blocks[i]`, with position `positions[i]` and row i of `angles`.
  public func finishHeads(
    _ projections: inout Matrix, rows: Int, heads: HeadProjection,
    angles: borrowing RotationTable, layer: Int, blocks: [PageID], tokens: [Int32],
    positions: [Int32], into arena: KVArena
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
    pool.ranges(
      rows, grain: 8,
      HeadTask(
        table: kernels.table, base: projections.base, stride: projections.columns, heads: heads,
        half: angles.half, interleaved: angles.interleaved ? 1 : 0,
        cosines: UnsafePointer(angles.cosines.base), sines: UnsafePointer(angles.sines.base),
        layer: layer, blocks: blocks, tokens: tokens, positions: positions, arena: arena))
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
      arena.store(
        keys: start + keys.lowerBound * dimension, values: start + keys.upperBound * dimension,
        layer: layer, block: blocks[row], token: Int(tokens[row]), position: positions[row])
    }
  }
}

extension KVArena {
  /// Writes the keys and values of all heads of one token.
  fileprivate func store(
    keys: UnsafePointer<Float>, values: UnsafePointer<Float>, layer: Int, block: PageID,
    token: Int, position: Int32
  ) {
    for head in 0..<geometry.headCount {
      let slot = slot(block: block, layer: layer, head: head)
      let base = address(slot: slot)
      apus_kv_store(
        geometry.key.rawValue, geometry.value.rawValue, base + geometry.keyOffset,
        base + geometry.valueOffset, token, geometry.headDimension, geometry.paddedDimension,
        keys + head * geometry.headDimension, values + head * geometry.headDimension)
      setPosition(slot: slot, token: token, position)
    }
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
