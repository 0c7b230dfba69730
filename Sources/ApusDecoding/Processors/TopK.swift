import ApusCore

/// Keeps the k most likely tokens (arXiv:1805.04833).
struct TopK: LogitsProcessor {
  static let keepsMostLikely = true

  private let k: Int

  init?(_ parameters: SamplingParameters) {
    guard parameters.topK > 0 else { return nil }
    k = parameters.topK
  }

  func apply(_ candidates: inout Candidates, history: [TokenID], generated: Int) {
    guard k < candidates.list.count else { return }
    if k <= 256 {
      candidates.list = Self.best(k, of: candidates.list)
    } else {
      candidates.sort()
      candidates.list.removeLast(candidates.list.count - k)
    }
  }

  /// The k first of the sorted list, found in one pass over it.
  private static func best(_ k: Int, of list: [Candidates.Candidate]) -> [Candidates.Candidate] {
    var best: [Candidates.Candidate] = []
    best.reserveCapacity(k + 1)
    for candidate in list {
      if best.count == k, candidate.logit <= best[k - 1].logit { continue }
      var low = 0
      var high = best.count
      while low < high {
        let middle = (low + high) / 2
        if best[middle].logit >= candidate.logit { low = middle + 1 } else { high = middle }
      }
      best.insert(candidate, at: low)
      if best.count > k { best.removeLast() }
    }
    return best
  }
}
