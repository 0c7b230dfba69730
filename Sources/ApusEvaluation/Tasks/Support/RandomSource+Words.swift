import ApusCore

/// Made-up words, names and numbers.
extension RandomSource {
  /// A seed that follows from all of these, the same on every platform (FNV-1a).
  package static func seed(_ seed: UInt64, _ name: String, _ numbers: Int...) -> UInt64 {
    var hash = 0xCBF2_9CE4_8422_2325 ^ seed
    func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    for byte in name.utf8 { add(byte) }
    for number in numbers {
      for shift in stride(from: 0, to: 64, by: 8) {
        add(UInt8(truncatingIfNeeded: number >> shift))
      }
    }
    return hash
  }

  /// A source of its own for each number, without regard to what is drawn from this one afterwards.
  func fork(_ number: Int) -> RandomSource {
    var copy = self
    return RandomSource(seed: Self.seed(copy.next(), "fork", number))
  }

  /// The element whose turn it is: cases that share a document go through a shuffled list one after the other.
  func turn<Element>(_ number: Int, through list: [Element]) -> Element {
    var own = fork(0)
    return own.shuffled(list)[number % list.count]
  }

  /// A number in the range.
  mutating func number(in range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(nextUnit() * Double(range.count))
  }

  mutating func chance(_ probability: Double) -> Bool { nextUnit() < probability }

  mutating func pick<Element>(_ list: [Element]) -> Element {
    list[Int(nextUnit() * Double(list.count))]
  }

  /// So many elements at different places, in random order.
  mutating func sample<Element>(_ list: [Element], _ count: Int) -> [Element] {
    Array(shuffled(list).prefix(count))
  }

  mutating func shuffled<Element>(_ list: [Element]) -> [Element] {
    var list = list
    for index in list.indices.dropFirst().reversed() {
      list.swapAt(index, number(in: 0...index))
    }
    return list
  }

  /// So many different values that `make` gives.
  ///
  /// When `make` has no more of them, the last ones get made-up names in their place.
  mutating func distinct(
    _ count: Int, besides taken: Set<String> = [], _ make: (inout RandomSource) -> String
  ) -> [String] {
    var used = UsedNames(taken)
    return (0..<count).map { _ in unused(&used, make) }
  }

  /// A value that `make` gives and that is not in use yet; a made-up name when it has no more of them.
  ///
  /// `kind` names what `make` gives where several share the names in use.
  mutating func unused(
    _ used: inout UsedNames, of kind: String = "", _ make: (inout RandomSource) -> String
  ) -> String {
    if used.exhausted[kind] == nil {
      var value = ""
      for _ in 0..<Self.mostMisses {
        value = make(&self)
        if used.names.insert(value).inserted { return value }
      }
      used.exhausted[kind] = value.first?.isUppercase == true ? .capitalized : .lowerCase
    }
    while true {
      let name = invented()
      let value = used.exhausted[kind] == .lowerCase ? name : name.capitalized
      if used.names.insert(value).inserted { return value }
    }
  }

  /// So many values in a row that are in use show that there are no others.
  private static let mostMisses = 200

  /// A number of so many digits, as text.
  mutating func digits(_ count: Int) -> String {
    (0..<count).map { "\(number(in: ($0 == 0 ? 1 : 0)...9))" }.joined()
  }

  /// Eight hexadecimal digits.
  mutating func hex() -> String {
    (0..<8).map { _ in String(number(in: 0...15), radix: 16) }.joined()
  }

  mutating func letters(_ count: Int, of alphabet: String) -> String {
    let alphabet = Array(alphabet)
    return String((0..<count).map { _ in pick(alphabet) })
  }

  /// `quiet-harbor`
  mutating func key() -> String { pick(WordLists.adjectives) + "-" + pick(WordLists.nouns) }

  mutating func town() -> String { pick(WordLists.townStarts) + pick(WordLists.townEnds) }

  mutating func person() -> String { pick(WordLists.firstNames) + " " + pick(WordLists.lastNames) }

  mutating func ship() -> String {
    let name = pick(WordLists.ships)
    return chance(0.2) ? pick(WordLists.shipColours) + " " + name : name
  }

  /// A name that no list has, in small letters.
  private mutating func invented() -> String {
    (0..<number(in: 2...3)).map { _ in
      pick(Self.onsets) + letters(1, of: "aeiou") + pick(Self.codas)
    }.joined()
  }

  private static let onsets =
    Array("bdfghjklmnprstvw").map(String.init) + ["br", "gr", "st", "tr", "th"]
  private static let codas = ["", "", "", "n", "r", "l", "s", "m"]
}

/// Names that are in use, and what there are no more names of.
struct UsedNames {
  enum Spelling {
    case capitalized
    case lowerCase
  }

  fileprivate var names: Set<String>
  /// How the names are written that are made up for a kind.
  fileprivate var exhausted: [String: Spelling] = [:]

  init(_ names: Set<String> = []) { self.names = names }
}

extension String {
  /// The first letter large, the rest as it is.
  var capitalized: String { prefix(1).uppercased() + dropFirst() }

  /// Which of "a" and "an" it takes.
  var article: String { "aeiou".contains(first ?? " ") ? "an" : "a" }

  /// With "a" or "an" before it.
  var withArticle: String { article + " " + self }
}
