import ApusCore

/// A question whose answer must be in one word, in capitals or in JSON.
struct AnswerFormat: AnswerTask {
  init(options: PluginOptions) {}

  let leastSize = 4
  let questionsPerDocument = 5

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let sections = World.sections(size, &random)
    let facts = sections.flatMap { $0 }
    let short = facts.filter { !$0.value.contains(" ") }
    let form = short.isEmpty ? 1 + number % 2 : number % 3
    let document = World.documents(sections, &random)
    var own = random.fork(number)
    let fact = random.turn(number, through: form == 0 ? short : facts)
    let (demand, answer) =
      switch form {
      case 0: ("Answer in one word.", fact.value)
      case 1: ("Answer in capitals.", fact.value.uppercased())
      default: ("Answer as JSON {\"answer\": ...}.", "{\"answer\": \"\(fact.value)\"}")
      }
    return EvaluationCase(
      document: document,
      question: "\(fact.question(&own)) \(demand)", answer: answer, expected: [fact.value])
  }

  /// Both the value and the form must be right.
  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    let answer = answer.trimmed
    let value = example.expected[0]
    let (isRight, obeys): (Bool, Bool)
    if example.question.hasSuffix("in one word.") {
      isRight = answer.holds(value)
      obeys = !answer.isEmpty && !answer.contains(where: \.isWhitespace)
    } else if example.question.hasSuffix("in capitals.") {
      isRight = answer.uppercased().holds(value.uppercased())
      obeys = !answer.isEmpty && answer == answer.uppercased()
    } else {
      let given = (try? JSONValue(parsing: answer))?["answer"]
      isRight = (given.map { $0.stringValue ?? $0.text } ?? answer).holds(value)
      obeys = given != nil
    }
    return TaskScore(
      isRight && obeys, details: ["form": obeys ? 1 : 0, "value": isRight ? 1 : 0])
  }
}
