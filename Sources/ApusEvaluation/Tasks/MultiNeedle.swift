import ApusCore

/// Several sentences of one form in a long text, all to be listed.
struct MultiNeedle: AnswerTask {
  private let haystack: Haystack
  private let count: Int

  init(options: PluginOptions) throws {
    haystack = try Haystack(options)
    count = try options.int("needles", in: 2...100) ?? 5
  }

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let people = random.distinct(count) { $0.person() }
    let left = people.map { ($0, random.pick(WordLists.nouns), random.town()) }
    let lines = left.map { "\($0): the \($1), \($2)" }
    return EvaluationCase(
      document: haystack.text(
        size, scattering: left.map { "\($0) left the \($1) in \($2)." }, &random),
      question: "Who left what, and where? List all.", answer: lines.joined(separator: "\n"),
      expected: lines)
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(answer.filledLines, example.expected)
  }
}
