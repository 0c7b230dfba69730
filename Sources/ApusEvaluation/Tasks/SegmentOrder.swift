import ApusCore

/// Shuffled segments of a story to bring into order (TSort of Ada-LEval, arXiv:2404.06480).
///
/// `segments` says how many; each tells of a day.
struct SegmentOrder: AnswerTask {
  private let count: Int

  init(options: PluginOptions) throws { count = try options.int("segments", in: 2...12) ?? 4 }

  private static let ordinals = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth",
  ]

  var leastSize: Int { count }

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let days = random.sample(Array(Self.ordinals.indices), count).sorted()
    let segments = days.enumerated().map { index, day in
      // The sentences that remain go to the first segments.
      let length = size / count + (index < size % count ? 1 : 0)
      let who = random.pick(WordLists.persons)
      return
        (["On the \(Self.ordinals[day]) day \(who) came to \(random.town())."]
        + Haystack(.prose).sentences(length, &random)).joined(separator: " ")
    }
    let order = random.shuffled(Array(0..<count))
    let places = (0..<count).map { segment in "\((order.firstIndex(of: segment) ?? 0) + 1)" }
    return EvaluationCase(
      document: order.enumerated().map { "[\($0 + 1)] \(segments[$1])" }.joined(separator: "\n"),
      question: "In which order do the segments belong?", answer: places.joined(separator: ", "),
      expected: places)
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    let given = answer.listed.map { $0.trimmed(of: "[].") }
    let right = zip(given, example.expected).count { $0 == $1 }
    return TaskScore(
      given == example.expected,
      details: ["in place": Double(right) / Double(example.expected.count)])
  }
}
