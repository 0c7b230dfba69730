import ApusCore

/// Many items with answers, of which a tenth is wrong: which ones? (LongIns, arXiv:2406.17588)
struct Exam {
  /// An item's statement, and whether it is true.
  typealias Kind = @Sendable (inout RandomSource) -> (String, Bool)

  static let kinds: [Kind] = [larger, colour, animal, even]

  /// `instruction` stands beside each item.
  static func makeCase(
    _ count: Int, kinds: [Kind], instruction: String, _ random: inout RandomSource
  ) -> EvaluationCase {
    let wrongCount = max(1, count / 10)
    let wrong = Set(random.sample(Array(1...count), wrongCount))
    let lines = (1...count).map { number in
      let (statement, isTrue) = random.pick(kinds)(&random)
      let answer = isTrue != wrong.contains(number) ? "yes" : "no"
      return "\(number). \(statement)\(instruction) Answer: \(answer)"
    }
    let expected = wrong.sorted().map { "\($0)" }
    return EvaluationCase(
      document: "Each item has an answer, yes or no. Some answers are wrong.\n"
        + lines.joined(separator: "\n"),
      question: "Which numbers have a wrong answer?", answer: expected.joined(separator: ", "),
      expected: expected)
  }

  static func score(_ answer: String, _ expected: [String]) -> TaskScore {
    .f1(answer.listed.map { $0.trimmed(of: ".") }, expected)
  }

  private static let larger: Kind = {
    let (a, b) = ($0.number(in: 10...99), $0.number(in: 10...99))
    return ("\(a) is larger than \(b).", a > b)
  }

  private static let colour: Kind = {
    let word = $0.pick($0.chance(0.5) ? WordLists.colours : things)
    return ("\(word) is a colour.", WordLists.colours.contains(word))
  }

  /// Nouns that are colours too would make a right answer wrong.
  private static let things = WordLists.nouns.filter {
    ![
      "lemon", "lime", "mint", "olive", "peach", "pearl", "plum", "rose", "sand", "silver",
    ].contains($0)
  }

  private static let animal: Kind = {
    let word = $0.pick($0.chance(0.5) ? WordLists.animals : WordLists.trades)
    return ("\(word) is an animal.", WordLists.animals.contains(word))
  }

  private static let even: Kind = {
    let number = $0.number(in: 100...999)
    return ("\(number) is even.", number % 2 == 0)
  }
}
