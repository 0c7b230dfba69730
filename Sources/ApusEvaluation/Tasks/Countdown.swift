import ApusCore

/// A target to reach from given numbers, step by step (LongProc's countdown, arXiv:2501.05414).
struct Countdown: AnswerTask {
  init(options: PluginOptions) {}

  let questionsPerDocument = 5

  private struct Puzzle {
    let question: String
    let solution: String
    /// The numbers and, last, the target.
    let figures: [Int]

    init(_ random: inout RandomSource) {
      let numbers = (0..<3).map { _ in random.number(in: 1...49) }
      var value = numbers[0]
      var steps: [String] = []
      for number in numbers.dropFirst() {
        let adds = value <= number || random.chance(0.5)
        let next = adds ? value + number : value - number
        steps.append("\(value) \(adds ? "+" : "-") \(number) = \(next)")
        value = next
      }
      let shown = random.shuffled(numbers).map { "\($0)" }.joined(separator: ", ")
      question = "Reach \(value) from \(shown) with + and -. Show each step."
      solution = (steps + ["= \(value)"]).joined(separator: "\n")
      figures = numbers + [value]
    }
  }

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let examples = (0..<size).map { _ in Puzzle(&random) }
    var own = random.fork(number)
    let asked = Puzzle(&own)
    return EvaluationCase(
      document: examples.map { "\($0.question)\n\($0.solution)" }.joined(separator: "\n\n"),
      question: asked.question, answer: asked.solution, expected: asked.figures.map { "\($0)" })
  }

  /// Each step must be right and use numbers that are there, each once, and the last result is the target.
  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    guard let target = example.expected.last.flatMap({ Int($0) }) else { return TaskScore(0) }
    var numbers = example.expected.dropLast().compactMap { Int($0) }
    var result: Int?
    var right = 0
    let lines = answer.filledLines
    for line in lines {
      let words = line.split(separator: " ").map(String.init)
      if words.count == 2, words[0] == "=", let value = Int(words[1]), value == result {
        right += 1
        continue
      }
      guard words.count == 5, words[3] == "=", let a = Int(words[0]), let b = Int(words[2]),
        let value = Int(words[4]), let used = numbers.firstIndex(of: a)
      else { break }
      numbers.remove(at: used)
      guard let other = numbers.firstIndex(of: b),
        let sum = words[1] == "+"
          ? a.addingReportingOverflow(b).partialValue
          : words[1] == "-" ? a.subtractingReportingOverflow(b).partialValue : nil, sum == value
      else { break }
      numbers[other] = value
      result = value
      right += 1
    }
    return TaskScore(
      result == target && right == lines.count,
      details: ["steps": lines.isEmpty ? 0 : Double(right) / Double(lines.count)])
  }
}
