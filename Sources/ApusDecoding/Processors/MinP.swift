import ApusCore

/// Keeps tokens at least p times as likely as the most likely one (arXiv:2407.01082).
struct MinP: LogitsProcessor {
  static let keepsMostLikely = true

  private let p: Double

  init?(_ parameters: SamplingParameters) {
    guard parameters.minP > 0 else { return nil }
    p = Double(parameters.minP)
  }

  func apply(_ candidates: inout Candidates, history: [TokenID], generated: Int) {
    let probabilities = candidates.probabilities()
    guard let highest = probabilities.max() else { return }
    candidates.keep(candidates.list.indices.filter { probabilities[$0] >= p * highest })
  }
}
