import ApusCore
import ApusDecoding
import ApusEvaluation
import Foundation
import Testing

/// Tasks that score log-probabilities.
@Suite struct LogprobTaskTests {
  private static let example = EvaluationCase(
    document: "", question: "", answer: "", expected: [])

  private static func position(_ logits: [Float], token: TokenID = 0, top: Int = 4) -> TokenLogprobs
  {
    TokenLogprobs(logits: logits.span, token: token, topCount: top)
  }

  @Test func perplexityIsTheReciprocalOfTheMeanProbability() throws {
    let task = try TaskFixtures.task("perplexity")
    // Four equally likely tokens.
    let scores = Array(repeating: Self.position([1, 1, 1, 1]), count: 10)
    let score = task.score(.scores(scores, characters: 20), for: Self.example)
    #expect(abs(score.value - 0.25) < 1e-6)
    let details = task.total([score]).details
    #expect(abs((details["perplexity"] ?? 0) - 4) < 1e-4)
    #expect(abs((details["perplexity/character"] ?? 0) - 2) < 1e-4)
    #expect(task.score(.scores([], characters: 0), for: Self.example).value == 0)
    #expect(task.score(.answer("text"), for: Self.example).value == 0)
    let certain = Array(repeating: Self.position([100, 0]), count: 3)
    #expect(task.score(.scores(certain, characters: 3), for: Self.example).value == 1)
  }

  /// A window with more tokens counts for more.
  @Test func windowsArePooled() throws {
    let task = try TaskFixtures.task("perplexity")
    let scores = [([Float](repeating: 1, count: 4), 10), ([100, 0, 0, 0], 30)].map {
      task.score(
        .scores(Array(repeating: Self.position($0.0), count: $0.1), characters: 40),
        for: Self.example)
    }
    let total = task.total(scores)
    #expect(abs(total.value - pow(4, -0.25)) < 1e-6)
    #expect(abs((total.details["perplexity"] ?? 0) * total.value - 1) < 1e-6)
    #expect(abs((total.details["nats/token"] ?? 0) - log(4) / 4) < 1e-6)
    #expect(abs((total.details["nats/character"] ?? 0) - log(4) / 8) < 1e-6)
    #expect(task.total([TaskScore(0)]).value == 0)
  }

  @Test func windowsCoverAFileOnce() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID()).txt")
    defer { try? FileManager.default.removeItem(at: file) }
    let text = (0..<3000).map { "word\($0)" }.joined(separator: " ")
    try Data(text.utf8).write(to: file)
    let name = "perplexity:file=\(file.path)"
    let cases = try TaskFixtures.cases(name, length: 256, count: 100)
    #expect((20...40).contains(cases.count))
    #expect(text.hasPrefix(cases.map(\.document).joined()))
    #expect(try TaskFixtures.cases(name, length: 100_000, count: 3).map(\.document) == [text])
    #expect(throws: EvaluationError.self) {
      try TaskFixtures.task("perplexity:file=/nowhere/text")
    }
  }

  @Test func agreementWithItself() throws {
    let task = try TaskFixtures.task("agreement")
    let scores = [Self.position([3, 2, 1, 0, -1]), Self.position([0, 2, 1, 0, -1])]
    let score = task.score(.pair(scores, exact: scores, answerStart: 1), for: Self.example)
    #expect(score.value == 1 && score.details["top-1 answer"] == 1)
    #expect((score.details["kl"] ?? 1) < 1e-6)
  }

  @Test func disagreementIsMeasured() throws {
    let task = try TaskFixtures.task("agreement")
    let exact = [Self.position([1, 0], top: 2), Self.position([1, 0], top: 2)]
    let own = [Self.position([1, 0], top: 2), Self.position([0, 1], top: 2)]
    let score = task.score(.pair(own, exact: exact, answerStart: 1), for: Self.example)
    #expect(score.value == 0.5 && score.details["top-1 answer"] == 0)
    // Of p from 1 - p, with p = e / (1 + e): (2p - 1) ln(p / (1 - p)), halved by the other position.
    let p = exp(1.0) / (1 + exp(1.0))
    #expect(abs((score.details["kl max"] ?? 0) - (2 * p - 1)) < 1e-6)
    #expect(abs((score.details["kl"] ?? 0) - (2 * p - 1) / 2) < 1e-6)
    // Over several cases, the largest of the largest.
    let same = task.score(.pair(exact, exact: exact, answerStart: 1), for: Self.example)
    let total = task.total([same, score, same])
    #expect(total.details["kl max"] == score.details["kl max"])
    #expect(abs(total.value - 2.5 / 3) < 1e-12)
    #expect(task.score(.pair(own, exact: [], answerStart: 0), for: Self.example).value == 0)
  }

  /// Tokens that only one of them lists are taken together, which can only lessen the divergence.
  @Test func unlistedTokensAreTakenTogether() throws {
    let task = try TaskFixtures.task("agreement")
    let (a, b): ([Float], [Float]) = ([3, 2, 1, 0.5, 0, 0], [2.5, 2, 0, 1.5, 0.2, 0])
    func kl(top: Int) -> Double {
      task.score(
        .pair(
          [Self.position(b, top: top)], exact: [Self.position(a, top: top)], answerStart: 0),
        for: Self.example
      ).details["kl"] ?? -1
    }
    #expect(kl(top: 2) > 0 && kl(top: 2) < kl(top: 6))
  }
}
