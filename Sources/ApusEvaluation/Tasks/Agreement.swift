import ApusCore
import ApusDecoding
import Foundation

/// How far a configuration is from the exact one on the same texts: questions about needles and facts, with answers.
///
/// The score is the part of the positions where both find the same token most likely. The Kullback–Leibler divergence
/// is that of the tokens both list among their most likely ones and of all others as one, so never more than the true
/// one.
struct Agreement: EvaluationTask {
  private let sources: [any AnswerTask]

  init(options: PluginOptions) throws {
    sources = [
      try NeedleInAHaystack(options: options), QuestionAnswering(options: options),
    ]
  }

  let measure = EvaluationMeasure.agreement

  func cases(length: CaseLength, seed: UInt64, count: Int) throws -> [EvaluationCase] {
    try (0..<count).map { number in
      let source = sources[number % sources.count]
      let seed = RandomSource.seed(seed, "\(Self.self)", length.target, number)
      return try length.fit(least: source.leastSize) { size in
        var random = RandomSource(seed: seed)
        return source.makeCase(size: size, number: number / sources.count, using: &random)
      }
    }
  }

  func score(_ output: ModelOutput, for example: EvaluationCase) -> TaskScore {
    guard case .pair(let own, let exact, let answerStart) = output, !own.isEmpty,
      own.count == exact.count
    else { return TaskScore(0) }
    let agrees = zip(own, exact).map { $0.top.first?.token == $1.top.first?.token }
    let divergences = zip(own, exact).map { Self.divergence(of: $0, from: $1) }
    func part(_ list: ArraySlice<Bool>) -> Double {
      Double(list.count { $0 }) / Double(max(1, list.count))
    }
    return TaskScore(
      part(agrees[...]),
      details: [
        "kl": divergences.reduce(0, +) / Double(divergences.count),
        "kl max": divergences.max() ?? 0, "top-1 answer": part(agrees.dropFirst(answerStart)),
      ])
  }

  /// The means, but of the largest divergences the largest.
  func total(_ scores: [TaskScore]) -> TaskScore {
    var total = TaskScore.mean(scores)
    total.details["kl max"] = scores.compactMap { $0.details["kl max"] }.max()
    return total
  }

  /// In nats, of what the exact model says from what this one says.
  static func divergence(of own: TokenLogprobs, from exact: TokenLogprobs) -> Double {
    let listed = Dictionary(
      own.top.map { ($0.token, Double($0.logprob)) }, uniquingKeysWith: { first, _ in first })
    var (sum, ownRest, exactRest) = (0.0, 1.0, 1.0)
    for entry in exact.top {
      guard let other = listed[entry.token] else { continue }
      let logprob = Double(entry.logprob)
      sum += exp(logprob) * (logprob - other)
      ownRest -= exp(other)
      exactRest -= exp(logprob)
    }
    // Rests below what rounding leaves say nothing.
    if exactRest > 1e-6, ownRest > 1e-6 { sum += exactRest * log(exactRest / ownRest) }
    return max(0, sum)
  }
}
