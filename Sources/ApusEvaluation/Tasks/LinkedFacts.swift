import ApusCore

/// A question over two or three facts that stand apart in a long text.
///
/// `hops` says how many; without it, cases take turns.
struct LinkedFacts: AnswerTask {
  private let hops: Int?

  init(options: PluginOptions) throws { hops = try options.int("hops", in: 2...3) }

  /// Facts, the question that needs them all, and the name of what it asks for.
  private static let links: [[(facts: [String], question: String, asked: String)]] = [
    [
      (
        ["{p} lives in {t}.", "The mayor of {t} is {q}."],
        "Who is the mayor of the town where {p} lives?", "q"
      ),
      (
        ["{p} lives in {t}.", "{t} lies on the river {r}."],
        "On which river does the town where {p} lives lie?", "r"
      ),
      (
        ["The home port of the {s} is {t}.", "The mayor of {t} is {q}."],
        "Who is the mayor of the home port of the {s}?", "q"
      ),
      (
        ["The captain of the {s} was {p}.", "{p} lives in {t}."],
        "Where does the captain of the {s} live?", "t"
      ),
    ],
    [
      (
        ["{p} lives in {t}.", "The mayor of {t} is {q}.", "{q} keeps a {a}."],
        "What animal does the mayor of the town where {p} lives keep?", "a"
      ),
      (
        ["{p} lives in {t}.", "The mayor of {t} is {q}.", "{q} works as a {w}."],
        "What does the mayor of the town where {p} lives do for a living?", "w"
      ),
      (
        ["The captain of the {s} was {p}.", "{p} lives in {t}.", "The mayor of {t} is {q}."],
        "Who is the mayor of the town where the captain of the {s} lives?", "q"
      ),
    ],
  ]

  let leastSize = 4
  let questionsPerDocument = 5
  private static let mostChains = 24

  /// A quarter of the sentences are facts, in long documents fewer.
  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let count = max(1, min(Self.mostChains, size / 10))
    let people = random.distinct(2 * count) { $0.person() }
    let towns = random.distinct(count) { $0.town() }
    let ships = random.distinct(count) { $0.ship() }
    var facts: [String] = []
    var cases: [[EvaluationCase]] = [[], []]
    for index in 0..<count {
      let words = [
        "p": people[2 * index], "q": people[2 * index + 1], "t": towns[index], "s": ships[index],
        "r": random.pick(WordLists.rivers), "a": random.pick(WordLists.animals),
        "w": random.pick(WordLists.trades),
      ]
      let kind = hops.map { $0 - 2 } ?? index % 2
      let link = random.pick(Self.links[kind])
      let said = link.facts.map { Self.fill($0, words) }
      facts += said
      cases[kind].append(
        EvaluationCase(
          document: "", question: Self.fill(link.question, words),
          answer: said.joined(separator: " "), expected: [words[link.asked] ?? ""]))
    }
    let text = Haystack(.prose).text(
      max(0, size - facts.count), scattering: random.shuffled(facts), &random)
    let kind = hops.map { $0 - 2 } ?? number % 2
    var example = random.turn(
      hops == nil ? number / 2 : number,
      through: cases[kind].isEmpty ? cases[1 - kind] : cases[kind])
    example.document = text
    return example
  }

  private static func fill(_ template: String, _ words: [String: String]) -> String {
    words.reduce(template) { text, word in
      text.replacing("a {\(word.key)}", with: word.value.withArticle)
        .replacing("{\(word.key)}", with: word.value)
    }
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(answer, example.expected)
  }
}
