import ApusCore

/// The last of several values of a name.
struct LatestValue: AnswerTask {
  init(options: PluginOptions) {}

  let leastSize = 4
  let questionsPerDocument = 5

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let names = random.distinct(max(2, min(25, size / 8))) { $0.pick(WordLists.nouns) }
    var values: [String: String] = [:]
    var sentences: [String] = []
    for _ in 0..<names.count * 3 {
      let name = random.pick(names)
      let value = random.digits(random.number(in: 2...4))
      sentences.append(
        values[name] == nil || random.chance(0.3)
          ? "\(name) = \(value)" : "\(name) is now \(value).")
      values[name] = value
    }
    let text = Haystack(.prose).text(
      max(0, size - sentences.count), scattering: sentences, &random)
    let name = random.turn(number, through: names.filter { values[$0] != nil })
    let value = values[name] ?? ""
    return EvaluationCase(
      document: text,
      question: "What is the last value of \(name)?",
      answer: "The last value of \(name) is \(value).", expected: [value])
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(answer, example.expected)
  }
}
