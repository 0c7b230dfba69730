import ApusCore
import Foundation

/// The most frequent of coded words whose frequencies follow Zipf's law (RULER's frequent words, arXiv:2404.06654).
struct FrequentWords: AnswerTask {
  private let exponent: Double

  init(options: PluginOptions) throws {
    exponent = try options.double("exponent", in: 1...10) ?? 2
  }

  private static let askedCount = 3
  let leastSize = 24

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let coded = random.distinct(max(6, min(60, size / 8))) {
      $0.letters(5, of: "abcdefghijklmnopqrstuvwxyz")
    }
    let powers = (1...coded.count).map { pow(Double($0), -exponent) }
    let total = powers.reduce(0, +)
    // So often as the law says and each of the first more often than the next; the rest goes to the first.
    var times = powers.map { max(1, Int($0 / total * Double(size))) }
    for rank in stride(from: Self.askedCount - 1, through: 0, by: -1) {
      times[rank] = max(times[rank], times[rank + 1] + 1)
    }
    times[0] += max(0, size - times.reduce(0, +))
    let words = random.shuffled(
      zip(coded, times).flatMap { Array(repeating: $0, count: $1) })
    let expected = Array(coded.prefix(Self.askedCount))
    return EvaluationCase(
      document: words.joined(separator: " "),
      question: "Which 3 coded words appear most often?",
      answer: expected.joined(separator: ", "), expected: expected)
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(
      Array(answer.listed.map { $0.trimmed(of: ".") }.prefix(Self.askedCount)), example.expected)
  }
}
