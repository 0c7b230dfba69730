import ApusCore

/// OpenAI's presence and frequency penalties: subtracted once, and once for every time a token was generated.
struct CountPenalty: LogitsProcessor {
  static let keepsMostLikely = false

  private let presence: Float
  private let frequency: Float

  init?(_ parameters: SamplingParameters) {
    guard parameters.presencePenalty != 0 || parameters.frequencyPenalty != 0 else { return nil }
    presence = parameters.presencePenalty
    frequency = parameters.frequencyPenalty
  }

  func apply(_ candidates: inout Candidates, history: [TokenID], generated: Int) {
    var counts: [TokenID: Int] = [:]
    for token in history.suffix(generated) { counts[token, default: 0] += 1 }
    for (token, count) in counts where candidates.list.indices.contains(Int(token)) {
      candidates.list[Int(token)].logit -= presence + frequency * Float(count)
    }
  }
}
