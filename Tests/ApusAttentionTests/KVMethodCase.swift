import ApusAttention
import ApusCompute
import ApusCore
import ApusKV
import Foundation

/// A sequence with random keys and values in all layers, cut back by a policy, and one more token to attend with.
struct KVMethodCase: ~Copyable {
  static let layers = 2
  let compute: Compute
  let store: KVStore
  let group: Int
  let count: Int
  let pages: [PageID]
  private(set) var cache: SequenceCache?
  /// What the policy kept, [layers * heads]; all where nothing was evicted.
  private(set) var retained: [[Int]]
  private var queries: Matrix
  private let scores: [[Float]]
  private let surprise: [Float]

  init(count: Int, kvHeads: Int = 2, group: Int, dimension: Int, format: KVElement, seed: UInt64)
    throws
  {
    var random = RandomSource(seed: seed)
    func floats(_ count: Int, _ random: inout RandomSource) -> [Float] {
      (0..<count).map { _ in Float(random.nextUnit() * 4 - 2) }
    }
    compute = try Compute(pool: WorkerPool(threadCount: 2))
    self.group = group
    self.count = count
    let blocks = KVGeometry.pageCount(count + 1)
    // Twice: the sequence's first pages, and those of its own.
    store = KVStore(
      geometry: KVGeometry(
        layerCount: Self.layers, headCount: kvHeads, headDimension: dimension, key: format,
        value: format),
      blockCount: 2 * blocks + 3)
    pages = (0..<blocks).map { PageID($0) }
    queries = Matrix(rows: 1, columns: kvHeads * group * dimension)
    queries.setRow(0, floats(queries.columns, &random))
    for token in 0...count {
      for slot in 0..<Self.layers * kvHeads {
        store.arena.store(
          slot: Int(pages[token / KVGeometry.pageSize]) * Self.layers * kvHeads + slot,
          token: token % KVGeometry.pageSize, key: floats(dimension, &random),
          value: floats(dimension, &random), position: Int32(token))
      }
    }
    scores = (0..<Self.layers * kvHeads).map { _ in floats(count, &random).map(abs) }
    surprise = floats(count, &random).map(abs)
    retained = Array(repeating: Array(0..<count), count: Self.layers * kvHeads)
  }

  private var heads: Int { store.geometry.headCount }

  /// What the policy makes of the sequence; nothing where no head holds too much.
  mutating func apply(_ policy: any KVPolicy, rotation: KeyRotation) {
    let shape = KVShape(layerCount: Self.layers, headCount: heads)
    let capacities = (0..<Self.layers * heads).map {
      policy.capacity(layer: $0 / heads, head: $0 % heads, of: shape, promptCount: count)
    }
    guard capacities.contains(where: { $0 < count }) else { return }
    retained = (0..<Self.layers).flatMap { layer in
      policy.retained(
        of: KVLayerView(
          layer: layer, shape: shape, promptCount: count,
          heads: (0..<heads).map {
            KVHeadView(
              head: $0, capacity: capacities[layer * heads + $0],
              tokens: (0..<Int32(count)).map { $0 }, score: scores[layer * heads + $0],
              surprise: surprise)
          }))
    }
    let eviction = KVEviction(
      retained: retained, evicted: policy.evicted, positions: policy.positions,
      rotations: Array(repeating: rotation, count: Self.layers))
    let cache = SequenceCache(store: store)
    let counts = eviction.pagedCounts(of: count, geometry: store.geometry)
    let slots = counts.reduce(0) { $0 + KVGeometry.pageCount($1 + 1) }
    let blocks = (slots + counts.count - 1) / counts.count
    cache.take((0..<blocks).map { PageID(pages.count + $0) })
    cache.fill(from: pages, count: count, eviction)
    cache.reserve(1)
    self.cache = cache
    for layer in 0..<Self.layers {
      for head in 0..<heads {
        let from = store.arena.slot(
          block: pages[count / KVGeometry.pageSize], layer: layer, head: head)
        let view = cache.views[layer, head]
        store.arena.copy(
          slot: from, token: count % KVGeometry.pageSize,
          to: Int(view.slots[view.firstIndex / KVGeometry.pageSize]),
          token: view.firstIndex % KVGeometry.pageSize)
      }
    }
  }

  func layer(_ index: Int) -> AttentionLayer {
    AttentionLayer(
      layer: index, headCount: heads * group,
      scale: 1 / Float(store.geometry.headDimension).squareRoot(),
      ranges: Array(repeating: .full, count: heads))
  }

  /// The attention of the token behind the others, of all layers.
  func attend(_ selector: (any KeySelector)? = nil, reading pages: [PageID]? = nil) -> [[Float]] {
    var batch = ForwardBatch()
    batch.slices = [
      AttentionSlice(
        rowStart: 0, rowCount: 1, firstIndex: count, pages: pages ?? self.pages,
        views: pages == nil ? cache?.views : nil)
    ]
    if let selector {
      batch.selections = [SliceSelection(selector, geometry: store.geometry)]
    }
    let backend = PagedAttention(compute: compute, store: store)
    var output = Matrix(rows: 1, columns: heads * group * store.geometry.headDimension)
    backend.prepare(batch, layer: layer(0))
    return (0..<Self.layers).map {
      backend.attend(batch, queries: queries, layer: layer($0), into: &output)
      return output.row(0)
    }
  }

  /// The same over what is kept, in double precision.
  func expected(layer: Int) -> [Float] {
    let dimension = store.geometry.headDimension
    let query = queries.row(0)
    return (0..<heads * group).flatMap { queryHead -> [Float] in
      let head = queryHead / group
      let keys = retained[layer * heads + head] + [count]
      func place(_ token: Int) -> (Int, Int) {
        (
          store.arena.slot(
            block: pages[token / KVGeometry.pageSize], layer: layer, head: head),
          token % KVGeometry.pageSize
        )
      }
      let scores = keys.map { token in
        let (slot, index) = place(token)
        let key = store.arena.key(slot: slot, token: index)
        return (0..<dimension).reduce(0.0) {
          $0 + Double(query[queryHead * dimension + $1]) * Double(key[$1])
        } / Double(dimension).squareRoot()
      }
      let highest = scores.max()!
      let weights = scores.map { exp($0 - highest) }
      let sum = weights.reduce(0, +)
      var result = [Double](repeating: 0, count: dimension)
      for (weight, token) in zip(weights, keys) {
        let (slot, index) = place(token)
        let value = store.arena.value(slot: slot, token: index)
        for d in 0..<dimension { result[d] += weight / sum * Double(value[d]) }
      }
      return result.map { Float($0) }
    }
  }
}
