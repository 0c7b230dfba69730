import ApusCore

/// A label to learn from many examples in the prompt (LongICLBench, arXiv:2404.02060).
///
/// The ending of a made-up word decides its label; `labels` says how many there are.
struct ManyLabels: AnswerTask {
  private let labelCount: Int

  init(options: PluginOptions) throws { labelCount = try options.int("labels", in: 2...500) ?? 40 }

  let leastSize = 8
  let questionsPerDocument = 5

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let count = max(2, min(labelCount, size / 3))
    let endings = random.distinct(count) {
      $0.letters(1, of: Self.consonants) + $0.letters(1, of: "aeiou")
        + $0.letters(1, of: Self.consonants)
    }
    let labels = random.distinct(count) { $0.pick(WordLists.nouns) }
    // Each label at least twice, if there is room.
    let kinds = (0..<size).map { $0 < 2 * count ? $0 % count : random.number(in: 0...count - 1) }
    let stems = random.distinct(size) { $0.stem() }
    let lines = random.shuffled(zip(stems, kinds).map { "\($0)\(endings[$1]): \(labels[$1])" })
    var own = random.fork(number)
    let asked = own.number(in: 0...count - 1)
    let stem = own.distinct(1, besides: Set(stems)) { $0.stem() }[0]
    return EvaluationCase(
      document: lines.joined(separator: "\n"), question: "\(stem)\(endings[asked]):",
      answer: labels[asked],
      expected: [labels[asked]])
  }

  static let consonants = "bdfgklmnprstvz"

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    TaskScore(answer.isExactly(example.answer))
  }
}

extension RandomSource {
  /// The beginning of a made-up word.
  fileprivate mutating func stem() -> String {
    (0..<number(in: 1...3)).map { _ in
      letters(1, of: ManyLabels.consonants) + letters(1, of: "aeiou")
    }.joined()
  }
}
