import ApusCompute
import ApusCore
import Foundation

/// Chooses the next token of one sequence.
///
/// The random number of step n follows from the seed and n alone, so the same seed gives the same text whatever else
/// runs beside it.
public struct Sampler: Sendable {
  private let parameters: SamplingParameters
  private let processors: [any LogitsProcessor]
  private let seed: UInt64

  /// `seed` is used where the parameters have none.
  public init(_ parameters: SamplingParameters, seed: UInt64) {
    self.parameters = parameters
    self.seed = parameters.seed ?? seed
    processors = LogitsProcessors.all.compactMap { $0.init(parameters) }
  }

  /// `history` is the prompt and what was generated so far; `forbidden` tokens are not chosen.
  public func sample(
    _ logits: Span<Float>, history: [TokenID], generated: Int, forbidden: Set<TokenID> = []
  ) -> TokenID {
    if parameters.isGreedy, processors.allSatisfy({ type(of: $0).keepsMostLikely }) {
      return Self.mostLikely(logits, forbidden: forbidden)
    }
    var candidates = Candidates(logits: logits)
    for token in forbidden where candidates.list.indices.contains(Int(token)) {
      candidates.list[Int(token)].logit = -.infinity
    }
    for processor in processors {
      processor.apply(&candidates, history: history, generated: generated)
    }
    guard !parameters.isGreedy else {
      candidates.sort()
      return candidates.list[0].token
    }
    return draw(candidates, step: generated)
  }

  private func draw(_ candidates: Candidates, step: Int) -> TokenID {
    var random = RandomSource(seed: seed &+ UInt64(step) &* 0xD134_2543_DE82_EF95)
    var rest = random.nextUnit()
    let probabilities = candidates.probabilities()
    for (candidate, probability) in zip(candidates.list, probabilities) {
      rest -= probability
      if rest < 0 { return candidate.token }
    }
    let last = probabilities.lastIndex { $0 > 0 } ?? 0
    return candidates.list[last].token
  }

  /// The token with the highest logit, the first of equals.
  static func mostLikely(_ logits: Span<Float>, forbidden: Set<TokenID>) -> TokenID {
    if forbidden.isEmpty { return TokenID(logits.indexOfMaximum ?? 0) }
    var best = -1
    var highest = -Float.infinity
    for index in logits.indices
    where (logits[index] > highest || best < 0 && !logits[index].isNaN)
      && !forbidden.contains(TokenID(index))
    {
      (best, highest) = (index, logits[index])
    }
    return TokenID(max(best, 0))
  }
}

/// Log-probabilities of one position.
public struct TokenLogprobs: Sendable, Equatable {
  public struct Entry: Sendable, Equatable {
    public let token: TokenID
    public let logprob: Float
  }

  /// Of the token that stands there.
  public let chosen: Entry
  /// The most likely ones, best first.
  public let top: [Entry]
  /// How many tokens are more likely than the chosen one, plus one.
  public let rank: Int

  /// Of the model's own distribution, before penalties and temperature.
  public init(logits: Span<Float>, token: TokenID, topCount: Int) {
    let highest = logits.indexOfMaximum.map { logits[$0] } ?? -.infinity
    var sum = 0.0
    for index in logits.indices where !logits[index].isNaN {
      sum += exp(Double(logits[index] - highest))
    }
    let offset = Double(highest) + log(sum)
    func entry(_ token: TokenID) -> Entry {
      Entry(token: token, logprob: Float(Double(logits[Int(token)]) - offset))
    }
    let own = logits[Int(token)]
    var rank = 1
    for index in logits.indices where logits[index] > own { rank += 1 }
    chosen = entry(token)
    self.rank = rank
    guard topCount > 0 else {
      top = []
      return
    }
    var parameters = SamplingParameters()
    parameters.topK = min(topCount, logits.count)
    var candidates = Candidates(logits: logits)
    TopK(parameters)?.apply(&candidates, history: [], generated: 0)
    candidates.sort()
    top = candidates.list.prefix(topCount).map { entry($0.token) }
  }
}
