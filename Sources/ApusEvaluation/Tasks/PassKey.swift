import ApusCore

/// A number in a text that repeats itself (passkey retrieval, arXiv:2305.16300).
struct PassKey: AnswerTask {
  private let haystack: Haystack

  init(options: PluginOptions) throws { haystack = try Haystack(options, otherwise: .noise) }

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let value = random.digits(5)
    let depth = Depths.depth(number)
    let needle = "The pass key is \(value). Remember it. \(value) is the pass key."
    return EvaluationCase(
      document: haystack.text(size, with: [(depth, needle)], &random),
      question: "What is the pass key?", answer: "The pass key is \(value).", expected: [value],
      depth: depth)
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(answer, example.expected)
  }
}
