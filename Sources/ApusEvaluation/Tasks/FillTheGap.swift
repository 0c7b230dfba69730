import ApusCore

/// A gap in a sentence whose fact stands elsewhere, in full or in other words.
struct FillTheGap: AnswerTask {
  init(options: PluginOptions) {}

  let leastSize = 2
  let questionsPerDocument = 5

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let facts = World.sections(max(1, size / 2), &random).flatMap { $0 }
    let text = Haystack(.prose).text(
      max(0, size - facts.count), scattering: facts.map { $0.statement(&random) }, &random)
    let fact = random.turn(number, through: facts)
    let template = fact.attribute.answer.replacing(
      "a {v}", with: "\(fact.value.article) {v}")
    let gap = template.replacing("{s}", with: fact.subject).replacing("{v}", with: "____")
    return EvaluationCase(
      document: text, question: "Fill the gap: \(gap)", answer: fact.value,
      expected: [fact.value])
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(answer, example.expected)
  }
}
