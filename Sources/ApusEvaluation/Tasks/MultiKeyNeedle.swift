import ApusCore

/// One needle among needles with other keys (RULER's multi-key needle, arXiv:2404.06654).
///
/// `density` says which part of the sentences are needles: a quarter if it is not given, 1 leaves no other text.
struct MultiKeyNeedle: AnswerTask {
  private let haystack: Haystack
  private let density: Double

  init(options: PluginOptions) throws {
    haystack = try Haystack(options)
    density = try options.double("density", in: 0...1) ?? 0.25
  }

  let leastSize = 4
  let questionsPerDocument = 5

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let count = max(2, Int((Double(size) * density).rounded()))
    let needles = Needle.several(count, &random)
    let place = Depths.place(number, of: count)
    let depths = (0..<count).map { Double($0) / Double(count - 1) }
    let text = haystack.text(
      max(0, size - count), with: zip(depths, needles).map { ($0, $1.sentence) }, &random)
    return EvaluationCase(
      document: text, question: needles[place].question, answer: needles[place].sentence,
      expected: [needles[place].value], depth: Depths.depth(number))
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(answer, example.expected)
  }
}
