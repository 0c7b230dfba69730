import ApusCore
import ApusDecoding
import Foundation
import Testing

@Suite struct SamplerTests {
  private func sample(
    _ logits: [Float], history: [TokenID] = [], generated: Int = 0, seed: UInt64 = 0,
    forbidden: Set<TokenID> = [], _ change: (inout SamplingParameters) -> Void
  ) -> TokenID {
    var parameters = SamplingParameters()
    change(&parameters)
    return Sampler(parameters, seed: seed).sample(
      logits.span, history: history, generated: generated, forbidden: forbidden)
  }

  /// How often each token comes in 4,000 draws.
  private func frequencies(_ logits: [Float], _ change: (inout SamplingParameters) -> Void)
    -> [Double]
  {
    var counts = [Double](repeating: 0, count: logits.count)
    for step in 0..<4000 { counts[Int(sample(logits, generated: step, seed: 3, change))] += 1 }
    return counts.map { $0 / 4000 }
  }

  static let logits: [Float] = [1, 3, 2, -1, 0]

  @Test func greedyTakesTheFirstOfTheBest() {
    #expect(sample(Self.logits) { _ in } == 1)
    #expect(sample([2, 5, 5]) { _ in } == 1)
    #expect(sample([.nan, -.infinity, -3]) { _ in } == 2)
    #expect(sample(Self.logits, forbidden: [1]) { _ in } == 2)
    #expect(
      sample(Self.logits) {
        $0.temperature = 0.8
        $0.topK = 1
      } == 1)
  }

  @Test func greedyIgnoresRulesThatKeepTheBest() {
    #expect(
      sample(Self.logits) {
        $0.topP = 0.1
        $0.minP = 0.5
      } == 1)
  }

  @Test func drawsFollowTheSoftmax() {
    let weights = Self.logits.map { exp(Double($0)) }
    let total = weights.reduce(0, +)
    let seen = frequencies(Self.logits) { $0.temperature = 1 }
    for (frequency, weight) in zip(seen, weights) {
      #expect(abs(frequency - weight / total) < 0.03)
    }
  }

  @Test func temperatureSharpens() {
    let cold = frequencies(Self.logits) { $0.temperature = 0.5 }
    let warm = frequencies(Self.logits) { $0.temperature = 2 }
    #expect(cold[1] > 0.8 && warm[1] < 0.6)
  }

  @Test func cutsKeepWhatTheirPapersSay() {
    #expect(
      frequencies(Self.logits) {
        $0.temperature = 1
        $0.topK = 2
      }.filter { $0 > 0 }.count == 2)
    // Softmax: 0.086, 0.636, 0.234, 0.012, 0.032; the nucleus of 0.7 is {1, 2}.
    let nucleus = frequencies(Self.logits) {
      $0.temperature = 1
      $0.topP = 0.7
    }
    #expect(nucleus.enumerated().filter { $0.element > 0 }.map(\.offset) == [1, 2])
    let likely = frequencies(Self.logits) {
      $0.temperature = 1
      $0.minP = 0.1
    }
    #expect(likely.enumerated().filter { $0.element > 0 }.map(\.offset) == [0, 1, 2])
    // The entropy is 1.0 nats; token 2 carries 1.45 and token 1 carries 0.45, so token 2 is the most typical.
    let typical = frequencies(Self.logits) {
      $0.temperature = 1
      $0.typicalP = 0.2
    }
    #expect(typical.enumerated().filter { $0.element > 0 }.map(\.offset) == [2])
  }

  @Test func cutsNeverEmptyTheList() {
    for count in [1, 3, 7, 49, 1000, 2048] {
      for logit in [Float(0), 0.3, -1.7, 5.1, -.infinity, .infinity, .nan] {
        let logits = [Float](repeating: logit, count: count)
        let token = sample(logits, seed: 5) {
          $0.temperature = 0.7
          $0.topP = 0
          $0.minP = 1
          $0.typicalP = 0
        }
        #expect(token >= 0 && Int(token) < count)
      }
    }
  }

  @Test func penalties() {
    #expect(sample(Self.logits, history: [1]) { $0.repetitionPenalty = 2 } == 2)
    #expect(sample([-1, -1.2], history: [0]) { $0.repetitionPenalty = 2 } == 1)
    #expect(
      sample(Self.logits, history: [1, 9, 9]) {
        $0.repetitionPenalty = 2
        $0.repetitionWindow = 2
      } == 1)
    // Presence and frequency count the answer only, not the prompt.
    #expect(sample(Self.logits, history: [1, 1], generated: 0) { $0.presencePenalty = 2 } == 1)
    #expect(sample(Self.logits, history: [1, 1], generated: 1) { $0.presencePenalty = 2 } == 2)
    #expect(sample(Self.logits, history: [1, 1], generated: 2) { $0.frequencyPenalty = 0.6 } == 2)
  }

  @Test func bias() {
    #expect(sample(Self.logits) { $0.logitBias = [3: 100] } == 3)
    #expect(sample(Self.logits) { $0.logitBias = [1: -100, 99: 5] } == 2)
  }

  @Test func sameSeedSameText() {
    func text(_ seed: UInt64) -> [TokenID] {
      (0..<50).map { sample(Self.logits, generated: $0, seed: seed) { $0.temperature = 1.5 } }
    }
    #expect(text(1) == text(1))
    #expect(text(1) != text(2))
  }

  @Test func logprobs() {
    let scores = TokenLogprobs(logits: Self.logits.span, token: 2, topCount: 3)
    let total = Self.logits.reduce(0) { $0 + exp($1) }
    #expect(abs(scores.chosen.logprob - (2 - log(total))) < 1e-5)
    #expect(scores.rank == 2)
    #expect(scores.top.map(\.token) == [1, 2, 0])
    #expect(TokenLogprobs(logits: [0, 1].span, token: 0, topCount: 9).top.count == 2)
  }
}
