import ApusCore

/// One rule that changes or shortens the list of candidates.
public protocol LogitsProcessor: Sendable, SendableMetatype {
  /// nil when the parameters do not ask for this rule.
  init?(_ parameters: SamplingParameters)

  /// The most likely token stays the most likely one, so greedy decoding can leave the rule out.
  static var keepsMostLikely: Bool { get }

  /// `history` is the prompt and what was generated so far; `generated` counts the latter.
  func apply(_ candidates: inout Candidates, history: [TokenID], generated: Int)
}

/// The rules in the order in which they are applied: those that move logits, temperature, then those that cut.
public enum LogitsProcessors {
  public static let all: [any LogitsProcessor.Type] = [
    LogitBias.self,
    RepetitionPenalty.self,
    CountPenalty.self,
    Temperature.self,
    TopK.self,
    TypicalP.self,
    TopP.self,
    MinP.self,
  ]
}
