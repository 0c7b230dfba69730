import ApusCore

/// Several values of one key, all asked for (RULER's multi-value needle, arXiv:2404.06654).
struct MultiValueNeedle: AnswerTask {
  private let haystack: Haystack
  private let count: Int

  init(options: PluginOptions) throws {
    haystack = try Haystack(options)
    count = try options.int("values", in: 2...64) ?? 4
  }

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let key = random.key()
    let values = random.distinct(count) { $0.digits(7) }
    return EvaluationCase(
      document: haystack.text(
        size, scattering: values.map { Needle(key: key, value: $0).sentence }, &random),
      question: "What are all the special magic numbers for \(key)?",
      answer: "The special magic numbers for \(key) are \(values.joined(separator: ", ")).",
      expected: values)
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(answer, example.expected)
  }
}
