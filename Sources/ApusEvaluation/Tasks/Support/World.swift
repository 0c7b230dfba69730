import ApusCore

/// What something in the small world can have: how a document says it, how one asks, how one answers.
///
/// In every template `{s}` is the subject and `{v}` the value.
struct WorldAttribute: Sendable {
  let key: String
  let value: @Sendable (inout RandomSource) -> String
  let says: [String]
  let asks: [String]
  let answer: String
}

/// A kind of thing in the small world.
struct WorldKind: Sendable {
  let key: String
  let subject: @Sendable (inout RandomSource) -> String
  let titles: [String]
  let attributes: [WorldAttribute]
}

/// Something that is true of a subject.
struct WorldFact: Sendable {
  let kind: WorldKind
  let attribute: WorldAttribute
  let subject: String
  let value: String

  func fill(_ template: String) -> String {
    template.replacing("a {v}", with: value.withArticle)
      .replacing("{s}", with: subject).replacing("{v}", with: value)
  }

  func statement(_ random: inout RandomSource) -> String { fill(random.pick(attribute.says)) }
  func question(_ random: inout RandomSource) -> String { fill(random.pick(attribute.asks)) }
  var answer: String { fill(attribute.answer) }
}

enum World {
  static let absent = "The document does not say."

  static let kinds = [ship, town, person, ledger, notice]

  static func kind(_ key: String) -> WorldKind { kinds.first { $0.key == key } ?? ship }

  /// So many facts, section after section; each section tells of one kind of thing, no subject comes twice.
  static func sections(
    _ count: Int, of kinds: [WorldKind] = kinds, sizes: ClosedRange<Int> = 4...8,
    _ random: inout RandomSource
  ) -> [[WorldFact]] {
    var subjects = UsedNames()
    var sections: [[WorldFact]] = []
    var rest = count
    while rest > 0 {
      let kind = random.pick(kinds)
      var section: [WorldFact] = []
      let size = min(random.number(in: sizes), rest)
      while section.count < size {
        let subject = random.unused(&subjects, of: kind.key, kind.subject)
        let width = min(random.number(in: 1...3), size - section.count)
        for attribute in random.sample(kind.attributes, width) {
          section.append(
            WorldFact(
              kind: kind, attribute: attribute, subject: subject, value: attribute.value(&random)))
        }
      }
      rest -= section.count
      sections.append(section)
    }
    return sections
  }

  /// A title for a section's document.
  static func title(_ section: [WorldFact], _ random: inout RandomSource) -> String {
    random.pick(section[0].kind.titles).replacing("{t}", with: random.town())
  }

  /// Numbered documents, one for each section.
  static func documents(_ sections: [[WorldFact]], _ random: inout RandomSource) -> String {
    sections.enumerated().map { number, section in
      let sentences = section.map { $0.statement(&random) }.joined(separator: " ")
      return "Document \(number + 1): \(title(section, &random))\n\(sentences)"
    }.joined(separator: "\n\n")
  }
}
