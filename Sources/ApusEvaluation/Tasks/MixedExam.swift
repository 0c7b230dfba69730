import ApusCore

/// Wrong answers among many items of several kinds, each with its instruction (LIMT of LongIns, arXiv:2406.17588).
struct MixedExam: AnswerTask {
  init(options: PluginOptions) {}

  let leastSize = 4

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    Exam.makeCase(size, kinds: Exam.kinds, instruction: " Is this true?", &random)
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    Exam.score(answer, example.expected)
  }
}
