import ApusCore

/// A thread of keys to follow from its last value backward (needle threading, arXiv:2411.05000).
struct BackwardThread: AnswerTask {
  private let threads: ThreadOptions

  init(options: PluginOptions) throws { threads = try ThreadOptions(options) }

  var leastSize: Int { threads.leastSize(threads: 1) }

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let hops = threads.draw(threads: 1, size: size, &random)
    let pairs = Pairs(size, hops: hops, &random)
    let thread = Array(pairs.threads[0].reversed())
    return EvaluationCase(
      document: pairs.json,
      question: """
        Start at the value "\(thread[0])". Find its key, take the key as the next value and follow it until there is none.
        """,
      answer: thread.joined(separator: " -> "), expected: thread)
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    Pairs.score(answer, thread: example.expected)
  }
}
