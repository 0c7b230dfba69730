import ApusCore

/// The only path between two towns among many roads (LongProc's path traversal, arXiv:2501.05414).
struct PathTraversal: AnswerTask {
  private let hops: Int?

  init(options: PluginOptions) throws { hops = try options.int("hops", in: 2...100) }

  var leastSize: Int { hops ?? Self.usualHops.upperBound }
  private static let usualHops = 2...6
  let questionsPerDocument = 5

  /// Roads form chains, so that no other path leads there; the last chain may be shorter than those asked for.
  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    var chains: [[String]] = []
    var rest = size
    var lengths: [Int] = []
    while rest > 0 {
      let length = min(hops ?? random.number(in: Self.usualHops), rest)
      lengths.append(length)
      rest -= length
    }
    var towns = random.distinct(size + lengths.count) { $0.town() }[...]
    for length in lengths {
      chains.append(Array(towns.prefix(length + 1)))
      towns.removeFirst(length + 1)
    }
    let roads = chains.flatMap { chain in
      zip(chain, chain.dropFirst()).map { "From \($0) one can go to \($1)." }
    }
    let document = random.shuffled(roads).joined(separator: "\n")
    let shortest = hops ?? Self.usualHops.lowerBound
    let asked = random.turn(number, through: chains.filter { $0.count > shortest })
    return EvaluationCase(
      document: document,
      question: "Give the path from \(asked[0]) to \(asked[asked.count - 1]).",
      answer: asked.joined(separator: " -> "), expected: [asked[0], asked[asked.count - 1]])
  }

  /// Each step must be a road of the document.
  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    let steps = answer.trimmed.trimmed(of: ".").steps
    guard steps.count > 1, steps.first == example.expected[0] else {
      return TaskScore(0, details: ["steps": 0])
    }
    let roads = Set(example.document.filledLines)
    let valid = zip(steps, steps.dropFirst()).prefix {
      roads.contains("From \($0) one can go to \($1).")
    }.count
    return TaskScore(
      valid == steps.count - 1 && steps.last == example.expected[1],
      details: ["steps": Double(valid) / Double(steps.count - 1)])
  }
}
