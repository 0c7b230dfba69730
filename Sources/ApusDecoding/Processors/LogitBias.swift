import ApusCore

/// Adds a number to the logits of chosen tokens (OpenAI's `logit_bias`).
struct LogitBias: LogitsProcessor {
  static let keepsMostLikely = false

  private let bias: [TokenID: Float]

  init?(_ parameters: SamplingParameters) {
    guard !parameters.logitBias.isEmpty else { return nil }
    bias = parameters.logitBias
  }

  func apply(_ candidates: inout Candidates, history: [TokenID], generated: Int) {
    for (token, value) in bias where candidates.list.indices.contains(Int(token)) {
      candidates.list[Int(token)].logit += value
    }
  }
}
