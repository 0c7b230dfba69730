import ApusCore

/// Makes tokens that stand in the text less likely (CTRL, arXiv:1909.05858): positive logits are divided by the
/// penalty, negative ones multiplied.
struct RepetitionPenalty: LogitsProcessor {
  static let keepsMostLikely = false

  private let penalty: Float
  private let window: Int

  init?(_ parameters: SamplingParameters) {
    guard parameters.repetitionPenalty != 1, parameters.repetitionWindow != 0 else { return nil }
    penalty = parameters.repetitionPenalty
    window = parameters.repetitionWindow
  }

  func apply(_ candidates: inout Candidates, history: [TokenID], generated: Int) {
    for token in Set(window < 0 ? history[...] : history.suffix(window)) {
      guard candidates.list.indices.contains(Int(token)) else { continue }
      let logit = candidates.list[Int(token)].logit
      candidates.list[Int(token)].logit = logit > 0 ? logit / penalty : logit * penalty
    }
  }
}
