import ApusCore

/// Several threads of keys to follow at once (needle threading, arXiv:2411.05000).
struct MultiThread: AnswerTask {
  private let threads: ThreadOptions
  private let count: Int

  init(options: PluginOptions) throws {
    threads = try ThreadOptions(options)
    count = try options.int("threads", in: 2...25) ?? 3
  }

  var leastSize: Int { threads.leastSize(threads: count) }

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let hops = threads.draw(threads: count, size: size, &random)
    let pairs = Pairs(size, hops: hops, &random)
    let asked = pairs.threads.prefix(count)
    let starts = asked.map { "\"\($0[0])\"" }.joined(separator: ", ")
    let lines = asked.map { $0.joined(separator: " -> ") }
    return EvaluationCase(
      document: pairs.json, question: "Start at each of \(starts). \(Pairs.follow)",
      answer: lines.joined(separator: "\n"), expected: lines)
  }

  /// The mean over the threads; a line belongs to the thread that starts with its first key.
  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    let lines = Dictionary(
      answer.filledLines.map { ($0.steps.first ?? "", $0) }, uniquingKeysWith: { first, _ in first }
    )
    let scores = example.expected.map { thread in
      Pairs.score(lines[thread.steps[0]] ?? "", thread: thread.steps)
    }
    return TaskScore(
      scores.reduce(0) { $0 + $1.value } / Double(scores.count),
      details: [
        "hops": scores.reduce(0) { $0 + ($1.details["hops"] ?? 0) } / Double(scores.count)
      ])
  }
}
