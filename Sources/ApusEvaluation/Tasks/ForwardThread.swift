import ApusCore

/// A thread of keys to follow forward (needle threading, arXiv:2411.05000).
struct ForwardThread: AnswerTask {
  private let threads: ThreadOptions

  init(options: PluginOptions) throws { threads = try ThreadOptions(options) }

  var leastSize: Int { threads.leastSize(threads: 1) }

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let hops = threads.draw(threads: 1, size: size, &random)
    let pairs = Pairs(size, hops: hops, &random)
    let thread = pairs.threads[0]
    return EvaluationCase(
      document: pairs.json, question: "Start at \"\(thread[0])\". \(Pairs.follow)",
      answer: thread.joined(separator: " -> "), expected: thread)
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    Pairs.score(answer, thread: example.expected)
  }
}
