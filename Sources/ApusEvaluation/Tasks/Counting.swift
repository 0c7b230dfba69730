import ApusCore

/// How often something is told, beside much that is like it.
struct Counting: AnswerTask {
  init(options: PluginOptions) {}

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let seen = random.distinct(4) {
      "\($0.pick(WordLists.firstNames)) \($0.pick(WordLists.animals))"
    }
    // From 1 to 10, one number after the other.
    let times = [number % 10 + 1] + (1..<4).map { _ in random.number(in: 1...6) }
    let words = seen.map { $0.split(separator: " ").map(String.init) }
    let sentences = zip(words, times).flatMap {
      Array(repeating: "\($0[0]) saw \($0[1].withArticle).", count: $1)
    }
    return EvaluationCase(
      document: Haystack(.prose).text(size, scattering: random.shuffled(sentences), &random),
      question: "How many times did \(words[0][0]) see \(words[0][1].withArticle)?",
      answer: "\(times[0])", expected: ["\(times[0])"])
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    TaskScore(answer.isExactly(example.answer))
  }
}
