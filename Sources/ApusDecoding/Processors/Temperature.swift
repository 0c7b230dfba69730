import ApusCore

/// Divides the logits.
struct Temperature: LogitsProcessor {
  static let keepsMostLikely = true

  private let temperature: Float

  init?(_ parameters: SamplingParameters) {
    guard parameters.temperature > 0, parameters.temperature != 1 else { return nil }
    temperature = parameters.temperature
  }

  func apply(_ candidates: inout Candidates, history: [TokenID], generated: Int) {
    for index in candidates.list.indices { candidates.list[index].logit /= temperature }
  }
}
