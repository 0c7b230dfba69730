import ApusCore

/// The content of one of many lines of the same form (LongChat's line retrieval).
struct Lines: AnswerTask {
  init(options: PluginOptions) {}

  let leastSize = 2
  let questionsPerDocument = 5

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let keys = random.distinct(size) { $0.key() }
    let values = keys.map { _ in random.digits(5) }
    let place = Depths.place(number, of: size)
    return EvaluationCase(
      document: zip(keys, values).map { "line \($0): REGISTER_CONTENT is <\($1)>" }
        .joined(separator: "\n"),
      question: "What is the REGISTER_CONTENT in line \(keys[place])?",
      answer: "The REGISTER_CONTENT in line \(keys[place]) is <\(values[place])>.",
      expected: [values[place]], depth: Depths.depth(number))
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(answer, example.expected)
  }
}
