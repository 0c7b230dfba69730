import ApusCore

/// Variables that take over each other's value (RULER's variable tracking, arXiv:2404.06654).
///
/// `hops` says how often the value is taken over, `chains` how many other chains there are.
struct Variables: AnswerTask {
  private let haystack: Haystack
  private let hops: Int
  private let chains: Int

  init(options: PluginOptions) throws {
    haystack = try Haystack(options)
    hops = try options.int("hops", in: 1...32) ?? 3
    chains = try options.int("chains", in: 1...64) ?? 4
  }

  /// Any chain may be asked for.
  var questionsPerDocument: Int { min(chains, 5) }

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let names = random.distinct((hops + 1) * chains) { $0.letters(3, of: Self.alphabet) }
    let values = random.distinct(chains) { $0.digits(5) }
    let made = (0..<chains).map { Array(names[$0 * (hops + 1)..<($0 + 1) * (hops + 1)]) }
    var queues = zip(made, values).map { names, value in
      ["VAR \(names[0]) = \(value)."]
        + zip(names, names.dropFirst()).map { "VAR \($1) = VAR \($0)." }
    }
    var sentences: [String] = []
    while !queues.isEmpty {
      let index = random.number(in: 0...queues.count - 1)
      sentences.append(queues[index].removeFirst())
      if queues[index].isEmpty { queues.remove(at: index) }
    }
    let asked = number % chains
    return EvaluationCase(
      document: haystack.text(size, scattering: sentences, &random),
      question: "Which variables have the value \(values[asked])?",
      answer: made[asked].joined(separator: ", "), expected: made[asked])
  }

  private static let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(answer.listed.map { $0.trimmed(of: ".") }, example.expected)
  }
}
