import ApusCore

/// Which of many answers fits a question (BestAnswer of Ada-LEval, arXiv:2404.06480).
struct BestAnswer: AnswerTask {
  init(options: PluginOptions) {}

  let leastSize = 2
  let questionsPerDocument = 5

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let facts = random.shuffled(World.sections(size, &random).flatMap { $0 })
    let place = Depths.place(number, of: facts.count)
    return EvaluationCase(
      document: facts.enumerated().map { "A\($0 + 1): \($1.answer)" }.joined(separator: "\n"),
      question: "Which answer fits the question: \(facts[place].question(&random))",
      answer: "A\(place + 1)", expected: ["A\(place + 1)"], depth: Depths.depth(number))
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    TaskScore(answer.isExactly(example.answer))
  }
}
