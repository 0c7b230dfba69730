import ApusCore

/// A question about one fact among many documents (RULER's question answering, arXiv:2404.06654, with made-up facts).
struct QuestionAnswering: AnswerTask {
  init(options: PluginOptions) {}

  let questionsPerDocument = 5

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let sections = World.sections(size, &random)
    let facts = sections.flatMap { $0 }
    let fact = facts[Depths.place(number, of: facts.count)]
    return EvaluationCase(
      document: World.documents(sections, &random), question: fact.question(&random),
      answer: fact.answer, expected: [fact.value], depth: Depths.depth(number))
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(answer, example.expected)
  }
}
