import ApusCore

/// Questions about what is not there, and as many about what is.
struct AbsentFacts: AnswerTask {
  init(options: PluginOptions) {}

  let questionsPerDocument = 5

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let facts = World.sections(max(2, size / 4), &random).flatMap { $0 }
    let text = Haystack(.prose).text(
      max(0, size - facts.count), scattering: facts.map { $0.statement(&random) }, &random)
    var own = random.fork(number)
    let fact = random.turn(number, through: facts)
    guard number % 2 == 0 else {
      return EvaluationCase(
        document: text, question: fact.question(&own), answer: fact.answer,
        expected: [fact.value])
    }
    return EvaluationCase(
      document: text, question: missing(facts, like: fact, &own).question(&own),
      answer: World.absent, expected: [])
  }

  /// A fact about a subject that does not occur, or one that is not told of a subject that does.
  private func missing(
    _ facts: [WorldFact], like fact: WorldFact, _ random: inout RandomSource
  ) -> WorldFact {
    let known = Set(facts.filter { $0.subject == fact.subject }.map(\.attribute.key))
    let untold = fact.kind.attributes.filter { !known.contains($0.key) }
    if !untold.isEmpty, random.chance(0.5) {
      return WorldFact(
        kind: fact.kind, attribute: random.pick(untold), subject: fact.subject, value: "")
    }
    let names = Set(facts.flatMap { [$0.subject, $0.value] })
    return WorldFact(
      kind: fact.kind, attribute: fact.attribute,
      subject: random.distinct(1, besides: names, fact.kind.subject)[0], value: "")
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    let denies = answer.contains("does not say")
    return example.expected.isEmpty
      ? TaskScore(denies) : denies ? TaskScore(0) : .recall(answer, example.expected)
  }
}
