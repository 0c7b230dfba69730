import ApusCore

/// The words that come most often in a numbered list (RULER's common words, arXiv:2404.06654).
struct CommonWords: AnswerTask {
  init(options: PluginOptions) {}

  private static let askedCount = 5
  let leastSize = 80

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let common = random.distinct(Self.askedCount) { $0.pick(WordLists.nouns) }
    // Frequencies differ, so that their order is one.
    let times = (0..<Self.askedCount).map { 8 + ($0 + 1) * max(1, size / 100) }.reversed()
    var words = zip(common, times).flatMap { Array(repeating: $0, count: $1) }
    let rest = max(0, size - words.count)
    let rare = random.distinct((rest + 1) / 2, besides: Set(common)) { $0.pick(WordLists.nouns) }
    words += (rare + rare).prefix(rest)
    let list = random.shuffled(words).enumerated().map { "\($0 + 1). \($1)" }
    return EvaluationCase(
      document: list.joined(separator: " "),
      question: "Which 5 words are most common in the list?",
      answer: common.joined(separator: ", "), expected: common)
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(
      Array(answer.listed.map { $0.trimmed(of: ".") }.prefix(Self.askedCount)), example.expected)
  }
}
