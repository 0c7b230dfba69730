import ApusCore

/// A sentence to quote by its first words.
struct Quotation: AnswerTask {
  init(options: PluginOptions) {}

  let leastSize = 3
  let questionsPerDocument = 5

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let sentences = Haystack(.prose).sentences(size, &random)
    func start(_ sentence: String) -> String {
      sentence.split(separator: " ").prefix(3).joined(separator: " ")
    }
    let counts = Dictionary(sentences.map { (start($0), 1) }, uniquingKeysWith: +)
    let unique = sentences.filter { counts[start($0)] == 1 }
    let asked =
      unique.isEmpty ? sentences[0] : unique[Depths.place(number, of: unique.count)]
    return EvaluationCase(
      document: Haystack.paragraphs(sentences),
      question: "Quote the sentence that begins with \"\(start(asked))\".", answer: asked,
      expected: [asked], depth: Depths.depth(number))
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    TaskScore(answer.isExactly(example.answer))
  }
}
