import ApusCore

/// A form to fill in with what a text says about one subject.
struct FormFilling: AnswerTask {
  init(options: PluginOptions) {}

  let leastSize = 4

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let kind = [World.ship, World.town, World.person][number % 3]
    let others = World.sections(max(0, size / 4), &random).flatMap { $0 }
    let subject = random.distinct(
      1, besides: Set(others.flatMap { [$0.subject, $0.value] }), kind.subject)[0]
    let facts = random.sample(kind.attributes, random.number(in: 2...4)).map {
      WorldFact(kind: kind, attribute: $0, subject: subject, value: $0.value(&random))
    }
    let sentences = (others + facts).map { $0.statement(&random) }
    let fields = [("name", subject)] + facts.map { ($0.attribute.key, $0.value) }
    let blank = facts.map { "\"\($0.attribute.key)\": " }.joined(separator: ", ")
    return EvaluationCase(
      document: Haystack(.prose).text(
        max(0, size - sentences.count), scattering: random.shuffled(sentences), &random),
      question: "Fill in the form: {\"name\": \"\(subject)\", \(blank)}",
      answer: "{" + fields.map { "\"\($0)\": \"\($1)\"" }.joined(separator: ", ") + "}",
      expected: facts.map { "\($0.attribute.key)=\($0.value)" })
  }

  /// The part of the fields that hold what the text says.
  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    guard let form = try? JSONValue(parsing: answer.trimmed).objectValue else {
      return TaskScore(0)
    }
    let filled = form.entries.map { "\($0.key)=\($0.value.stringValue ?? $0.value.text)" }
    return TaskScore(
      Double(example.expected.count { filled.contains($0) }) / Double(example.expected.count))
  }
}
