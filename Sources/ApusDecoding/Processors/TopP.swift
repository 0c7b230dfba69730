import ApusCore

/// Keeps the smallest set of most likely tokens whose probabilities reach p (nucleus sampling, arXiv:1904.09751).
struct TopP: LogitsProcessor {
  static let keepsMostLikely = true

  private let p: Double

  init?(_ parameters: SamplingParameters) {
    guard parameters.topP < 1 else { return nil }
    p = Double(parameters.topP)
  }

  func apply(_ candidates: inout Candidates, history: [TokenID], generated: Int) {
    let probabilities = candidates.probabilities()
    // Tokens below (1 - p) / n together weigh less than 1 - p, so the nucleus lies in the rest; the factor keeps
    // rounding from leaving out a uniform distribution whole.
    let floor = 0.999 * (1 - p) / Double(candidates.list.count)
    var order = candidates.list.indices.filter { probabilities[$0] >= floor }
    order.sort {
      probabilities[$0] != probabilities[$1]
        ? probabilities[$0] > probabilities[$1]
        : candidates.list[$0].token < candidates.list[$1].token
    }
    candidates.keep(order, until: p, of: probabilities)
  }
}
