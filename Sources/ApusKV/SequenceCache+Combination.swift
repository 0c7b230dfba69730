import ApusCompute
import ApusCore

/// A key and value that stand for others as well, to be written once what is kept has been moved.
struct CombinedKey {
  /// Which of the kept ones; nil is the leading one.
  let index: Int?
  let key: [Float]
  let value: [Float]
}

extension SequenceCache {
  /// What evicted keys leave behind in kept ones.
  func combine(
    _ lost: [Int], into kept: [Int], _ source: Source, _ evicted: KVEvicted, _ layer: Int,
    _ head: Int
  ) -> [CombinedKey] {
    switch evicted {
    case .forgotten, .acrossLayers: []
    case .merged(let merge):
      merged(lost, into: kept, source, merge)
    case .averaged:
      averaged(lost, source, layer, head)
    }
  }

  func write(_ combined: [CombinedKey], _ layer: Int, _ head: Int) {
    let state = heads[layer * geometry.headCount + head]
    for combined in combined {
      let (slot, token) = place(combined.index.map { $0 + state.leading } ?? 0, layer, head)
      let position = combined.index == nil ? 0 : store.arena.position(slot: slot, token: token)
      store.arena.store(
        slot: slot, token: token, key: combined.key, value: combined.value, position: position)
    }
    guard state.leading > 0 else { return }
    if views[layer, head].terms.isEmpty {
      let size = views[layer, head].slots.count * KVGeometry.pageSize
      views[layer, head].terms =
        [1, 0, 1].flatMap { [Float](repeating: $0, count: size) }
    }
    // So many keys weigh so much more; none weighs nothing.
    let summand = state.averagedCount == 0 ? -Float.infinity : logarithm(state.averagedCount)
    views[layer, head].terms[views[layer, head].terms.count / 3] = summand
  }

  /// The mean of all that has been evicted, in a place of its own before the others (RazorAttention, arXiv:2407.15891).
  private func averaged(_ lost: [Int], _ source: Source, _ layer: Int, _ head: Int) -> [CombinedKey]
  {
    let index = layer * geometry.headCount + head
    let before = heads[index].averagedCount
    var (key, value) = (
      [Float](repeating: 0, count: geometry.headDimension),
      [Float](repeating: 0, count: geometry.headDimension)
    )
    if before > 0 {
      let (slot, token) = place(0, layer, head)
      key = store.arena.key(slot: slot, token: token).map { $0 * Float(before) }
      value = store.arena.value(slot: slot, token: token).map { $0 * Float(before) }
    }
    for lost in lost {
      let (slot, token) = source.place(lost)
      add(store.arena.key(slot: slot, token: token), to: &key)
      add(store.arena.value(slot: slot, token: token), to: &value)
    }
    heads[index].leading = 1
    heads[index].averagedCount = before + lost.count
    let factor = 1 / Float(max(before + lost.count, 1))
    return [CombinedKey(index: nil, key: key.map { $0 * factor }, value: value.map { $0 * factor })]
  }

  /// Each lost key goes to the kept one of the most similar direction (LOOK-M, arXiv:2406.18139).
  private func merged(
    _ lost: [Int], into kept: [Int], _ source: Source, _ merge: KVMerge
  ) -> [CombinedKey] {
    guard !lost.isEmpty, !kept.isEmpty else { return [] }
    func key(_ index: Int) -> [Float] {
      let (slot, token) = source.place(index)
      return store.arena.key(slot: slot, token: token)
    }
    func value(_ index: Int) -> [Float] {
      let (slot, token) = source.place(index)
      return store.arena.value(slot: slot, token: token)
    }
    var directions = SummaryTable()
    for index in kept { directions.append(unit(key(index))) }
    var sums: [Int: MergedPair] = [:]
    var scores: [Float] = []
    for index in lost {
      let lostKey = key(index)
      directions.scores(unit(lostKey), into: &scores)
      var best = 0
      for candidate in scores.indices where scores[candidate] > scores[best] { best = candidate }
      if sums[best] == nil {
        sums[best] = MergedPair(key: key(kept[best]), value: value(kept[best]), merge: merge)
      }
      sums[best]?.add(lostKey, value(index), similarity: scores[best])
    }
    return sums.keys.sorted().map { index in
      CombinedKey(index: index, key: sums[index]!.mean.key, value: sums[index]!.mean.value)
    }
  }
}

/// A kept key and value with those that come to it.
private struct MergedPair {
  private let own: (key: [Float], value: [Float])
  private let merge: KVMerge
  private var key: [Float]
  private var value: [Float]
  private var weight: Float = 1

  init(key: [Float], value: [Float], merge: KVMerge) {
    own = (key, value)
    (self.key, self.value) = (key, value)
    self.merge = merge
  }

  mutating func add(_ otherKey: [Float], _ otherValue: [Float], similarity: Float) {
    switch merge {
    case .average: add(otherKey, otherValue, times: 1)
    case .pivotal:
      // The pair's own mean counts, so that the kept one outweighs each of the others.
      add(
        zip(otherKey, own.key).map { ($0 + $1) / 2 },
        zip(otherValue, own.value).map { ($0 + $1) / 2 }, times: 1)
    case .weighted: add(otherKey, otherValue, times: max(similarity, 0))
    }
  }

  private mutating func add(_ otherKey: [Float], _ otherValue: [Float], times factor: Float) {
    for d in key.indices {
      key[d] += factor * otherKey[d]
      value[d] += factor * otherValue[d]
    }
    weight += factor
  }

  var mean: (key: [Float], value: [Float]) { (key.map { $0 / weight }, value.map { $0 / weight }) }
}

private func add(_ other: [Float], to sum: inout [Float]) {
  for index in sum.indices { sum[index] += other[index] }
}

/// The vector of length one in the same direction.
func unit(_ vector: [Float]) -> [Float] {
  let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
  return length > 0 ? vector.map { $0 / length } : vector
}
