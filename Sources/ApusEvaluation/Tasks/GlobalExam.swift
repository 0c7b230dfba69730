import ApusCore

/// Wrong answers among many items of one kind, with one instruction (GIST of LongIns, arXiv:2406.17588).
struct GlobalExam: AnswerTask {
  init(options: PluginOptions) {}

  let leastSize = 4

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    Exam.makeCase(size, kinds: [random.pick(Exam.kinds)], instruction: "", &random)
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    Exam.score(answer, example.expected)
  }
}
