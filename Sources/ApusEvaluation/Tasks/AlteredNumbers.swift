import ApusCore

/// Facts with numbers that only the text can tell, each said twice (numeric question answering on altered texts).
struct AlteredNumbers: AnswerTask {
  init(options: PluginOptions) {}

  let questionsPerDocument = 5

  /// Twice in other words, the question, the answer, and digits.
  private static let kinds = [
    (
      says: "{t} has {v} inhabitants.", again: "In {t} there live {v} people.",
      asks: "How many people live in {t}?", answer: "{t} has {v} inhabitants.", digits: 4
    ),
    (
      says: "{t} was founded in {v}.",
      again: "Since {v}, the year of its founding, {t} has a market.",
      asks: "When was {t} founded?", answer: "{t} was founded in {v}.", digits: 4
    ),
    (
      says: "The tower of {t} is {v} feet high.",
      again: "One climbs {v} feet to the top of the tower of {t}.",
      asks: "How high is the tower of {t}?", answer: "The tower of {t} is {v} feet high.", digits: 3
    ),
  ]

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let towns = random.distinct(1 + size / 12) { $0.town() }
    let place = Depths.place(number, of: towns.count)
    let asked = (town: towns[place], kind: number % Self.kinds.count)
    var sentences: [String] = []
    var example = EvaluationCase(document: "", question: "", answer: "", expected: [])
    for town in towns {
      for (index, kind) in Self.kinds.enumerated() {
        let value = random.digits(kind.digits)
        func fill(_ template: String) -> String {
          template.replacing("{t}", with: town).replacing("{v}", with: value)
        }
        sentences += [fill(kind.says), fill(kind.again)]
        if (town, index) == asked {
          example = EvaluationCase(
            document: "", question: fill(kind.asks), answer: fill(kind.answer), expected: [value])
        }
      }
    }
    example.document = Haystack(.prose).text(
      max(0, size - sentences.count), scattering: sentences, &random)
    return example
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(answer, example.expected)
  }
}
