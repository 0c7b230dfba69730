import ApusCore

/// The prompt with least left to read first; waiting counts as tokens read, so that long ones get their turn.
struct ShortestFirst: SchedulingPolicy {
  /// Tokens that a second of waiting is worth.
  let ageing: Double

  init(options: PluginOptions) throws {
    ageing = try options.double("ageing", in: 0...1e9) ?? 200
  }

  func rank(_ candidate: SchedulingCandidate) -> Double {
    Double(candidate.remaining) - ageing * candidate.waited
  }
}
