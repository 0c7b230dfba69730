import ApusAttention
import ApusCompute
import ApusCore
import ApusKV
import Foundation

/// Random queries, keys and values of one sequence in one layer of a store.
struct AttentionCase: ~Copyable {
  static let layer = 1
  let compute: Compute
  let store: KVStore
  let headCount: Int
  let group: Int
  var queries: Matrix
  let pages: [PageID]
  /// [KV head][token]
  private(set) var keys: [[[Float]]] = []
  private(set) var values: [[[Float]]] = []
  private(set) var random: RandomSource

  init(
    tokens: Int, rows: Int, kvHeads: Int = 2, group: Int = 2, dimension: Int = 16,
    element: KVElement = .f32, precision: Precision = .quantized, threads: Int = 2,
    seed: UInt64 = 1
  ) throws {
    random = RandomSource(seed: seed)
    compute = try Compute(pool: WorkerPool(threadCount: threads), precision: precision)
    self.group = group
    headCount = kvHeads * group
    let blocks = (tokens + KVGeometry.pageSize - 1) / KVGeometry.pageSize
    store = KVStore(
      geometry: KVGeometry(
        layerCount: 2, headCount: kvHeads, headDimension: dimension, key: element, value: element),
      blockCount: blocks + 2)
    pages = (0..<blocks).map { PageID(blocks + 1 - $0) }
    queries = Matrix(rows: rows, columns: headCount * dimension + 5)
    for row in 0..<rows { queries.setRow(row, floats(queries.columns)) }
    for head in 0..<kvHeads {
      keys.append([])
      values.append([])
      for token in 0..<tokens { write(head: head, token: token) }
    }
  }

  mutating func floats(_ count: Int) -> [Float] {
    (0..<count).map { _ in
      Float((random.nextUnit() + random.nextUnit() + random.nextUnit() - 1.5) * 2)
    }
  }

  private mutating func write(head: Int, token: Int) {
    let dimension = store.geometry.headDimension
    let slot = slot(head: head, token: token)
    let index = token % KVGeometry.pageSize
    let (key, value) = (floats(dimension), floats(dimension))
    store.arena.store(
      slot: slot, token: index, key: key, value: value, position: Int32(token))
    keys[head].append(store.arena.key(slot: slot, token: index))
    values[head].append(store.arena.value(slot: slot, token: index))
  }

  func slot(head: Int, token: Int) -> Int {
    store.arena.slot(
      block: pages[token / KVGeometry.pageSize], layer: Self.layer, head: head)
  }

  func layer(_ ranges: [HeadRange]? = nil, softcap: Float = 0) -> AttentionLayer {
    AttentionLayer(
      layer: Self.layer, headCount: headCount,
      scale: 1 / Float(store.geometry.headDimension).squareRoot(), softcap: softcap,
      ranges: ranges
        ?? Array(repeating: .full, count: store.geometry.headCount))
  }

  /// A batch of one slice whose rows are the queries' rows from `row` on.
  func batch(rows: Range<Int>, firstIndex: Int, tree: [UInt64]? = nil) -> ForwardBatch {
    var batch = ForwardBatch()
    batch.slices = [
      AttentionSlice(
        rowStart: rows.lowerBound, rowCount: rows.count, firstIndex: firstIndex, pages: pages,
        tree: tree)
    ]
    return batch
  }

  /// The backend's output of the slice's rows.
  func attend(
    _ batch: ForwardBatch, layer: AttentionLayer? = nil, sharesReads: Bool = true
  ) -> (rows: [[Float]], taps: [ScoreTapResult]) {
    let layer = layer ?? self.layer()
    let backend = PagedAttention(compute: compute, store: store, sharesReads: sharesReads)
    var output = Matrix(rows: queries.rows, columns: headCount * store.geometry.headDimension)
    backend.prepare(batch, layer: layer)
    backend.attend(batch, queries: queries, layer: layer, into: &output)
    let rows = batch.slices.flatMap { slice in
      (slice.rowStart..<slice.rowStart + slice.rowCount).map { output.row($0) }
    }
    return (rows, backend.tapResults)
  }

  /// Weights of the softmax in double precision over the keys that `reads` lets through.
  func weights(row: Int, head: Int, keyCount: Int, reads: (Int) -> Bool) -> [Double] {
    let dimension = store.geometry.headDimension
    let q = Array(queries.row(row)[head * dimension..<(head + 1) * dimension])
    let scores = (0..<keyCount).map { token -> Double in
      guard reads(token) else { return -.infinity }
      return zip(q, keys[head / group][token]).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        / Double(dimension).squareRoot()
    }
    let highest = scores.max()!
    let exponentials = scores.map { exp($0 - highest) }
    let sum = exponentials.reduce(0, +)
    return exponentials.map { $0 / sum }
  }

  /// One row of all heads in double precision.
  func naive(row: Int, keyCount: Int, reads: (Int, Int) -> Bool) -> [Float] {
    (0..<headCount).flatMap { head -> [Float] in
      let weights = weights(row: row, head: head, keyCount: keyCount) { reads(head / group, $0) }
      return (0..<store.geometry.headDimension).map { d in
        Float(
          weights.indices.reduce(0) { $0 + weights[$1] * Double(values[head / group][$1][d]) })
      }
    }
  }
}

func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).map { abs($0 - $1) }.reduce(0) { $1.isNaN ? .infinity : max($0, $1) }
}

func sameBits(_ a: [[Float]], _ b: [[Float]]) -> Bool {
  a.map { $0.map(\.bitPattern) } == b.map { $0.map(\.bitPattern) }
}
