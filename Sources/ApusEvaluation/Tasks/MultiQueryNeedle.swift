import ApusCore

/// Several needles, all asked for in one question (RULER's multi-query needle, arXiv:2404.06654).
struct MultiQueryNeedle: AnswerTask {
  private let haystack: Haystack
  private let count: Int

  init(options: PluginOptions) throws {
    haystack = try Haystack(options)
    count = try options.int("queries", in: 2...64) ?? 4
  }

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let needles = Needle.several(count, &random)
    let text = haystack.text(size, scattering: needles.map(\.sentence), &random)
    let asked = random.shuffled(needles)
    let keys = asked.dropLast().map(\.key).joined(separator: ", ") + " and \(asked[count - 1].key)"
    let values = asked.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
    return EvaluationCase(
      document: text, question: "What are the special magic numbers for \(keys)?",
      answer: "The special magic numbers are \(values).",
      expected: asked.map { "\($0.key): \($0.value)" })
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(answer, example.expected)
  }
}
