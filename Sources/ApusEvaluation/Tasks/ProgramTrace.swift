import ApusCore

/// The values that the lines of a short program assign, after LongProc's pseudo-code (arXiv:2501.05414), which is to be
/// translated there.
///
/// `lines` says how many; the program stands behind a text that has nothing to do with it.
struct ProgramTrace: AnswerTask {
  private let lineCount: Int?

  init(options: PluginOptions) throws { lineCount = try options.int("lines", in: 1...1000) }

  private static let usualCount = 4...14

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let names = random.distinct(random.number(in: 2...5)) {
      $0.letters(1, of: "abcdefghijkmnpqrstuvwxyz")
    }
    var values: [(name: String, value: Int)] = []
    var code: [String] = []
    var trace: [String] = []
    let count = lineCount ?? random.number(in: Self.usualCount)
    while code.count < count {
      let (expression, value) = Self.expression(values, &random)
      let name = random.pick(names)
      code.append("\(name) = \(expression)")
      trace.append("\(name) = \(value)")
      values.removeAll { $0.name == name }
      values.append((name, value))
    }
    let text = Haystack(.prose).text(size, with: [], &random)
    return EvaluationCase(
      document: text + "\n\n" + code.joined(separator: "\n"),
      question: "Write the value of each variable after each line.",
      answer: trace.joined(separator: "\n"), expected: trace)
  }

  /// A number, or a sum or difference of a variable and another or a number; from 0 to 99.
  private static func expression(
    _ values: [(name: String, value: Int)], _ random: inout RandomSource
  ) -> (String, Int) {
    let number = random.number(in: 1...9)
    guard !values.isEmpty, random.chance(0.75) else { return ("\(number)", number) }
    let first = random.pick(values)
    if random.chance(0.4), first.value > number {
      return ("\(first.name) - \(number)", first.value - number)
    }
    let second = random.pick(values)
    if random.chance(0.3), first.value + second.value <= 99 {
      return ("\(first.name) + \(second.name)", first.value + second.value)
    }
    guard first.value + number <= 99 else { return ("\(first.name)", first.value) }
    return ("\(first.name) + \(number)", first.value + number)
  }

  /// The part of the lines that are right, at their places.
  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    let lines = answer.filledLines
    let right = zip(lines, example.expected).count { $0 == $1 }
    return TaskScore(Double(right) / Double(max(lines.count, example.expected.count)))
  }
}
