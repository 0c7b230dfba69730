import ApusCore

/// Where people think things are that were moved while they were away (LongProc's theory of mind, arXiv:2501.05414).
struct MindTracking: AnswerTask {
  init(options: PluginOptions) {}

  let leastSize = 12
  let questionsPerDocument = 5
  private static let mostEvents = 24

  /// The story so far, and what each person believes of each thing.
  private struct Room {
    private(set) var sentences: [String] = []
    private(set) var beliefs: [(person: String, thing: String, place: String)] = []
    private let people: [String]
    private let things: [String]
    private let places: [String]
    private var present: Set<String>

    init(_ random: inout RandomSource) {
      people = random.distinct(random.number(in: 3...4)) { $0.pick(WordLists.firstNames) }
      things = random.distinct(2) { $0.pick(WordLists.nouns) }
      places = random.distinct(8) { $0.pick(WordLists.rooms) }
      present = Set(people)
      let others = people.dropLast().joined(separator: ", ")
      sentences = ["\(others) and \(people[people.count - 1]) were in the room."]
      for thing in things {
        let place = random.pick(places)
        sentences.append("The \(thing) was in the \(place).")
        for person in people { beliefs.append((person, thing, place)) }
      }
    }

    mutating func go(_ random: inout RandomSource) {
      let person = random.pick(people)
      guard present.contains(person) else {
        sentences.append("\(person) came back, and nobody spoke.")
        present.insert(person)
        return
      }
      if random.chance(0.65) || present.count == 1 {
        let (thing, place) = (random.pick(things), random.pick(places))
        sentences.append("\(person) moved the \(thing) to the \(place).")
        for index in beliefs.indices
        where beliefs[index].thing == thing && present.contains(beliefs[index].person) {
          beliefs[index].place = place
        }
      } else {
        sentences.append("\(person) left the room.")
        present.remove(person)
      }
    }
  }

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    var room = Room(&random)
    for _ in 0..<min(Self.mostEvents, size / 2) { room.go(&random) }
    let text = Haystack(.prose).text(
      max(0, size - room.sentences.count), scattering: room.sentences, &random)
    let (person, thing, place) = random.turn(number, through: room.beliefs)
    return EvaluationCase(
      document: text,
      question: "Where does \(person) think the \(thing) is?",
      answer: "\(person) thinks the \(thing) is in the \(place).", expected: [place])
  }

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    .recall(answer, example.expected)
  }
}
