import ApusCore

/// Text that states nothing anyone asks about, with sentences in it that do.
package struct Haystack: Sendable {
  package enum Kind: String, Sendable, CaseIterable {
    /// Sentences of a small grammar with many words.
    case prose
    /// The same five sentences again and again.
    case noise
  }

  package let kind: Kind

  package init(_ kind: Kind) { self.kind = kind }

  /// The kind that the option `haystack` names.
  package init(_ options: PluginOptions, otherwise kind: Kind = .prose) throws {
    self.kind = try options.choice("haystack", of: Kind.self) ?? kind
  }

  private static let noise = [
    "The grass is green.", "The sky is blue.", "The sun is yellow.", "Here we go.",
    "There and back again.",
  ]
  private static let paragraphSize = 6

  /// So many sentences.
  package func sentences(_ count: Int, _ random: inout RandomSource) -> [String] {
    switch kind {
    case .noise: (0..<count).map { Self.noise[$0 % Self.noise.count] }
    case .prose: (0..<count).map { _ in Self.sentence(&random) }
    }
  }

  /// A text of `count` sentences with needles between them, at these depths from 0 to 1, as paragraphs.
  package func text(
    _ count: Int, with needles: [(depth: Double, text: String)], _ random: inout RandomSource
  ) -> String {
    Self.paragraphs(Self.scatter(needles, in: sentences(count, &random)))
  }

  /// A text with needles at random places, in their order.
  package func text(
    _ count: Int, scattering needles: [String], _ random: inout RandomSource
  ) -> String {
    let depths = needles.map { _ in random.nextUnit() }.sorted()
    return text(count, with: Array(zip(depths, needles).map { ($0, $1) }), &random)
  }

  static func scatter(_ needles: [(depth: Double, text: String)], in sentences: [String])
    -> [String]
  {
    let places = needles.map {
      (Int(($0.depth * Double(sentences.count)).rounded()), $0.text)
    }.enumerated().sorted { ($0.element.0, $0.offset) < ($1.element.0, $1.offset) }.map(\.element)
    var result: [String] = []
    var rest = places[...]
    for index in 0...sentences.count {
      while let (place, text) = rest.first, place == index {
        result.append(text)
        rest.removeFirst()
      }
      if index < sentences.count { result.append(sentences[index]) }
    }
    return result
  }

  static func paragraphs(_ sentences: [String]) -> String {
    stride(from: 0, to: sentences.count, by: paragraphSize).map {
      sentences[$0..<min($0 + paragraphSize, sentences.count)].joined(separator: " ")
    }.joined(separator: "\n")
  }

  private static func sentence(_ random: inout RandomSource) -> String {
    typealias Lists = WordLists
    let noun = random.pick(Lists.nouns)
    let adjective = random.pick(Lists.adjectives)
    switch random.number(in: 0...9) {
    case 0:
      return
        "The \(adjective) \(noun) \(random.pick(Lists.verbs)) \(place(&random)) \(random.pick(Lists.times))."
    case 1:
      return
        "\(random.pick(Lists.persons).capitalized) \(random.pick(Lists.actions)) \(adjective.withArticle) \(noun) \(random.pick(Lists.times))."
    case 2:
      return
        "\(random.pick(Lists.times).capitalized), the \(noun) \(random.pick(Lists.verbs)) \(place(&random))."
    case 3:
      return
        "Nobody \(random.pick(Lists.actions)) the \(adjective) \(noun), and \(random.pick(Lists.persons)) \(random.pick(Lists.verbs)) \(random.pick(Lists.times))."
    case 4:
      return
        "It was \(adjective.withArticle) \(noun), \(random.pick(Lists.adjectives)) and \(random.pick(Lists.adjectives))."
    case 5:
      return
        "\(random.pick(Lists.persons).capitalized) \(random.pick(Lists.verbs)) \(place(&random)) and \(random.pick(Lists.actions)) the \(noun)."
    case 6: return "There was \(adjective.withArticle) \(noun) \(place(&random))."
    case 7:
      return
        "The \(noun) of \(random.person()) \(random.pick(Lists.verbs)) \(random.pick(Lists.times))."
    case 8:
      return
        "In \(random.town()) \(random.pick(Lists.persons)) \(random.pick(Lists.actions)) the \(noun)."
    default:
      return
        "The \(noun) was \(adjective), but the \(random.pick(Lists.nouns)) \(random.pick(Lists.verbs))."
    }
  }

  private static func place(_ random: inout RandomSource) -> String {
    random.pick(WordLists.places) + " the " + random.pick(WordLists.nouns)
  }
}
