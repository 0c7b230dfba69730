import ApusCore

/// A text of so many words (target length generation of Ruler, arXiv:2409.18943).
///
/// The score is the precise match, within a tenth, rounded up, and at most 3 words; the flexible one is within a tenth,
/// if that is more.
struct TargetWords: AnswerTask {
  private let count: Int?

  init(options: PluginOptions) throws { count = try options.int("words", in: 1...10_000) }

  private static let usualCounts = [5, 10, 15, 20, 30, 40, 50]
  private static let precision = 3

  /// How many words a precise match may have too many or too few.
  private static func tolerance(_ target: Int) -> Int { min(precision, (target + 9) / 10) }

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let count = count ?? Self.usualCounts[number % Self.usualCounts.count]
    let noun = random.pick(WordLists.nouns)
    let text = Haystack(.prose).text(size, with: [], &random)
    var words: [Substring] = []
    while words.count < count {
      words +=
        "The \(noun) is \(random.pick(WordLists.adjectives)). It stands near \(random.pick(WordLists.nouns).withArticle)."
        .split(separator: " ")
    }
    return EvaluationCase(
      document: text, question: "Write exactly \(count) words about \(noun).",
      answer: words.prefix(count).joined(separator: " ").trimmed(of: ".") + ".",
      expected: ["\(count)"])
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    guard let target = example.expected.first.flatMap({ Int($0) }) else { return TaskScore(0) }
    let words = answer.split(whereSeparator: \.isWhitespace).count
    guard words > 0 else { return TaskScore(0, details: ["flexible": 0, "words": 0]) }
    let miss = abs(words - target)
    return TaskScore(
      miss <= Self.tolerance(target),
      details: [
        "flexible": miss <= max(Self.tolerance(target), target / 10) ? 1 : 0,
        "words": Double(words),
      ])
  }
}
