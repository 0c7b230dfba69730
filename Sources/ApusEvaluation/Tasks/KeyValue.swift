import ApusCore

/// The value of one key of a JSON object of random pairs.
struct KeyValue: AnswerTask {
  init(options: PluginOptions) {}

  let leastSize = 2
  let questionsPerDocument = 5

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let pairs = Pairs(size, hops: [], &random)
    let (key, value) = pairs.list[Depths.place(number, of: size)]
    return EvaluationCase(
      document: pairs.json, question: "What is the value of \"\(key)\"?", answer: "\"\(value)\"",
      expected: [value], depth: Depths.depth(number))
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(answer, example.expected)
  }
}
