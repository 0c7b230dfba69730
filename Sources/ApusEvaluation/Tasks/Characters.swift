import ApusCore

/// Questions about the characters of a word (CharBench, arXiv:2508.02591): how often, where, which.
struct Characters: AnswerTask {
  init(options: PluginOptions) {}

  let leastSize = 4
  let questionsPerDocument = 5

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let words = (0..<size).map { _ in random.pick(WordLists.nouns) }
    let word = words[Depths.place(number, of: size)]
    let letters = Array(word)
    var own = random.fork(number)
    let place = own.number(in: 0...letters.count - 1)
    let letter = letters[place]
    let (question, answer) =
      switch number % 3 {
      case 0:
        (
          "How many times does \"\(letter)\" occur in \"\(word)\"?",
          "\(letters.count { $0 == letter })"
        )
      case 1:
        (
          "At which position is the first \"\(letter)\" in \"\(word)\"?",
          "\((letters.firstIndex(of: letter) ?? 0) + 1)"
        )
      default: ("Which character is at position \(place + 1) of \"\(word)\"?", "\(letter)")
      }
    return EvaluationCase(
      document: words.joined(separator: ", "), question: question, answer: answer,
      expected: [answer])
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    TaskScore(answer.isExactly(example.answer))
  }
}
