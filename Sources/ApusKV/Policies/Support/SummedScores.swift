extension KVLayerView {
  /// The scores of each head's keys: the sums over all heads if they hold the same tokens, else each head's own.
  var summedScores: [[Float]] {
    guard let first = heads.first, heads.allSatisfy({ $0.tokens == first.tokens }) else {
      return heads.map(\.score)
    }
    var sums = [Float](repeating: 0, count: first.count)
    for head in heads {
      for (index, score) in head.score.enumerated() { sums[index] += score }
    }
    return Array(repeating: sums, count: heads.count)
  }
}
