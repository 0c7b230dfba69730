import ApusCore

/// Names or numbers that stand apart in a text, to be put in order.
struct Sorting: AnswerTask {
  init(options: PluginOptions) {}

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let count = random.number(in: 4...10)
    let isNumeric = number % 2 == 0
    let items = random.distinct(count) {
      isNumeric ? $0.digits($0.number(in: 2...3)) : $0.pick(WordLists.firstNames)
    }
    let sorted = items.sorted {
      isNumeric && $0.count != $1.count ? $0.count < $1.count : $0 < $1
    }
    let sentences = items.map {
      isNumeric ? "The number \($0) stood on the list." : "\($0) was on the list."
    }
    return EvaluationCase(
      document: Haystack(.prose).text(size, scattering: sentences, &random),
      question: isNumeric
        ? "Sort the numbers from small to large." : "Sort the names alphabetically.",
      answer: sorted.joined(separator: ", "), expected: sorted)
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    let given = answer.trimmed.trimmed(of: ".").listed
    let right = zip(given, example.expected).count { $0 == $1 }
    return TaskScore(
      given == example.expected,
      details: ["in place": Double(right) / Double(example.expected.count)])
  }
}
