import ApusCore

/// One sentence at a depth of a long text (needle in a haystack; RULER's single needle, arXiv:2404.06654).
struct NeedleInAHaystack: AnswerTask {
  private let haystack: Haystack

  init(options: PluginOptions) throws { haystack = try Haystack(options) }

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let needle = Needle(random.key(), &random)
    let depth = Depths.depth(number)
    return EvaluationCase(
      document: haystack.text(size, with: [(depth, needle.sentence)], &random),
      question: needle.question, answer: needle.sentence, expected: [needle.value], depth: depth)
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(answer, example.expected)
  }
}
