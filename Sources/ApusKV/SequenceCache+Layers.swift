import ApusCompute
import ApusCore
import Foundation

func logarithm(_ count: Int) -> Float { Float(log(Double(count))) }

extension SequenceCache {
  /// Lets each two neighbouring layers from `first` on hold one direction a token, and a length each (MiniCache,
  /// arXiv:2405.14366).
  ///
  /// The direction lies on the great circle between both, in the middle. The tokens whose directions differ most stay
  /// as they are, and so do those that fill no page. Order does not matter to attention, so pages that both layers read
  /// stand before the others.
  func mergeLayers(
    from first: Int, retained share: Double, _ source: (_ layer: Int, _ head: Int) -> Source
  ) {
    for layer in 0..<geometry.layerCount {
      let isUpper = KVEviction.sharesWithLower(layer, from: first)
      let isLower =
        layer + 1 < geometry.layerCount && KVEviction.sharesWithLower(layer + 1, from: first)
      for head in 0..<geometry.headCount {
        if isLower {
          merge(layer, head, source(layer, head), source(layer + 1, head), retained: share)
        } else if !isUpper {
          let source = source(layer, head)
          move(Array(0..<source.count), source, layer, head)
        }
      }
    }
  }

  private func merge(
    _ layer: Int, _ head: Int, _ lower: Source, _ upper: Source, retained share: Double
  ) {
    let pairs = (0..<lower.count).map { index in
      Pair(self, lower.place(index), upper.place(index))
    }
    let size = KVGeometry.pageSize
    let shared = KVEviction.sharedCount(lower.count, retained: share)
    let merged = (0..<lower.count).highest(shared) { pairs[$0].similarity }
    var isMerged = [Bool](repeating: false, count: lower.count)
    for index in merged { isMerged[index] = true }
    let own = (0..<lower.count).filter { !isMerged[$0] }

    reserve(lower.count, layer, head)
    let common = Array(views[layer, head].slots[..<(shared / size)])
    // The upper layer takes what is its own only.
    reserve(own.count, layer + 1, head)
    views[layer + 1, head].slots = common + views[layer + 1, head].slots
    for (layer, source, isUpper) in [(layer, lower, false), (layer + 1, upper, true)] {
      for (target, index) in own.enumerated() {
        let (from, to) = (source.place(index), place(shared + target, layer, head))
        store.arena.copy(slot: from.slot, token: from.token, to: to.slot, token: to.token)
      }
      let capacity = views[layer, head].slots.count * size
      var terms: [Float] = [1, 0, 1].flatMap { [Float](repeating: $0, count: capacity) }
      for (target, index) in merged.enumerated() {
        let (keys, values) = (pairs[index].keyLengths, pairs[index].valueLengths)
        terms[target] = isUpper ? keys.upper : keys.lower
        terms[2 * capacity + target] = isUpper ? values.upper : values.lower
      }
      views[layer, head].terms = terms
      views[layer, head].firstIndex = lower.count
      let state = layer * geometry.headCount + head
      heads[state].tokens = (merged + own).map { source.tokens[$0] }
    }
    for (target, index) in merged.enumerated() {
      let (slot, token) = place(target, layer, head)
      let from = lower.place(index)
      store.arena.store(
        slot: slot, token: token, key: pairs[index].key, value: pairs[index].value,
        position: store.arena.position(slot: from.slot, token: from.token))
    }
  }

  /// The keys and values of one token in two layers.
  private struct Pair {
    let key: [Float]
    let value: [Float]
    let keyLengths: (lower: Float, upper: Float)
    let valueLengths: (lower: Float, upper: Float)
    /// The smaller cosine, of keys or values.
    let similarity: Float

    init(
      _ cache: SequenceCache, _ lower: (slot: Int, token: Int), _ upper: (slot: Int, token: Int)
    ) {
      let arena = cache.store.arena
      let keys = Self.middle(
        arena.key(slot: lower.slot, token: lower.token),
        arena.key(slot: upper.slot, token: upper.token))
      let values = Self.middle(
        arena.value(slot: lower.slot, token: lower.token),
        arena.value(slot: upper.slot, token: upper.token))
      (key, keyLengths) = (keys.direction, keys.lengths)
      (value, valueLengths) = (values.direction, values.lengths)
      similarity = min(keys.cosine, values.cosine)
    }

    private static func middle(
      _ a: [Float], _ b: [Float]
    ) -> (direction: [Float], lengths: (lower: Float, upper: Float), cosine: Float) {
      let (first, second) = (unit(a), unit(b))
      let cosine = zip(first, second).reduce(0) { $0 + $1.0 * $1.1 }
      let direction = unit(zip(first, second).map(+))
      func length(_ x: [Float]) -> Float { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
      return (direction, (length(a), length(b)), cosine)
    }
  }
}
