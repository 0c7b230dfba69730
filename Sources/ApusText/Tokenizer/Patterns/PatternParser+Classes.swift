extension PatternParser {
  /// Parses a bracketed class after its `[`: members, ranges, nested classes and `&&`.
  mutating func parseClass() throws -> ScalarSet {
    let isNegated = consume("^")
    var result: ScalarSet?
    var current = ScalarSet()
    var isFirst = true
    while isFirst || !peek("]") {
      if consume("&&") {
        result = result.map { $0.intersection(current) } ?? current
        current = ScalarSet()
      } else if peek("[:"), let set = try posixClass() {
        current = current.union(set)
      } else if consume("[") {
        current = current.union(try parseClass())
      } else {
        current = current.union(try parseMembers())
      }
      isFirst = false
    }
    index += 1
    var set = folded(result.map { $0.intersection(current) } ?? current)
    if isNegated { set = set.inverted }
    return set
  }

  private mutating func parseMembers() throws -> ScalarSet {
    let low = try parseMember()
    guard let first = low.only, peek("-"), index + 1 < scalars.count,
      scalars[index + 1] != 0x5D, scalars[index + 1] != 0x5B
    else { return low }
    index += 1
    guard let last = try parseMember().only, last >= first else {
      throw error("malformed range in a class")
    }
    return ScalarSet(first...last)
  }

  private mutating func parseMember() throws -> ScalarSet {
    let scalar = try next()
    return scalar == 0x5C ? try parseEscape(inClass: true) : ScalarSet(scalar...scalar)
  }

  private mutating func posixClass() throws -> ScalarSet? {
    let names: [(String, ScalarSet)] = [
      ("[:alpha:]", ScalarProperties.alphabetic), ("[:digit:]", ScalarProperties.digits),
      ("[:space:]", ScalarProperties.whitespace), ("[:upper:]", ScalarProperties.union(["Lu"])),
      ("[:lower:]", ScalarProperties.union(["Ll"])),
      ("[:punct:]", ScalarProperties.union(["P"]).union(ScalarProperties.asciiPunctuation)),
      ("[:alnum:]", ScalarProperties.alphabetic.union(ScalarProperties.digits)),
    ]
    for (name, set) in names where consume(name) { return set }
    return nil
  }

  /// Parses what stands after a backslash.
  mutating func parseEscape(inClass: Bool) throws -> ScalarSet {
    let scalar = try next()
    switch Unicode.Scalar(scalar) {
    case "s": return ScalarProperties.whitespace
    case "S": return ScalarProperties.whitespace.inverted
    case "d": return ScalarProperties.digits
    case "D": return ScalarProperties.digits.inverted
    case "w": return ScalarProperties.word
    case "W": return ScalarProperties.word.inverted
    case "p": return try property()
    case "P": return try property().inverted
    case "n": return ScalarSet("\n")
    case "r": return ScalarSet("\r")
    case "t": return ScalarSet("\t")
    case "f": return ScalarSet("\u{0C}")
    case "v": return ScalarSet("\u{0B}")
    case "a": return ScalarSet("\u{07}")
    case "e": return ScalarSet("\u{1B}")
    case "0": return ScalarSet("\0")
    case "x", "u": return try hexadecimal(scalar == 0x78 ? 2 : 4)
    default:
      guard let character = Unicode.Scalar(scalar), !character.properties.isAlphabetic,
        !character.properties.isASCIIHexDigit
      else { throw error("unknown escape '\\\(Unicode.Scalar(scalar).map(String.init) ?? "")'") }
      return ScalarSet(scalar...scalar)
    }
  }

  private mutating func hexadecimal(_ digits: Int) throws -> ScalarSet {
    var text = ""
    if consume("{") {
      while !consume("}") { text.unicodeScalars.append(Unicode.Scalar(try next()) ?? " ") }
    } else {
      for _ in 0..<digits { text.unicodeScalars.append(Unicode.Scalar(try next()) ?? " ") }
    }
    guard let value = UInt32(text, radix: 16), value <= ScalarSet.limit else {
      throw error("malformed escape")
    }
    return ScalarSet(value...value)
  }

  private mutating func property() throws -> ScalarSet {
    var name = ""
    if consume("{") {
      while !consume("}") { name.unicodeScalars.append(Unicode.Scalar(try next()) ?? " ") }
    } else {
      name.unicodeScalars.append(Unicode.Scalar(try next()) ?? " ")
    }
    let isNegated = name.hasPrefix("^")
    if isNegated { name.removeFirst() }
    guard let set = Self.property(named: name) else { throw error("unknown property '\(name)'") }
    return isNegated ? set.inverted : set
  }

  private static func property(named name: String) -> ScalarSet? {
    switch name {
    case "Han", "Script=Han", "sc=Han": ScalarProperties.han
    case "Letter": ScalarProperties.category("L")
    case "Number": ScalarProperties.category("N")
    case "Punctuation": ScalarProperties.category("P")
    case "Symbol": ScalarProperties.category("S")
    case "Mark": ScalarProperties.category("M")
    case "Separator": ScalarProperties.category("Z")
    case "Numeric": ScalarProperties.numeric
    case "RustWord": ScalarProperties.rustWord
    case "BertPunctuation": ScalarProperties.bertPunctuation
    case "Alpha", "Alphabetic": ScalarProperties.alphabetic
    case "Space", "White_Space": ScalarProperties.whitespace
    default: ScalarProperties.category(name)
    }
  }

  /// Adds the other case of every cased scalar, where `(?i:` is in force.
  func folded(_ set: ScalarSet) -> ScalarSet {
    guard ignoresCase, set.ranges.reduce(0, { $0 + $1.count }) < 10_000 else { return set }
    var extra: [ClosedRange<UInt32>] = []
    for value in set.ranges.joined() {
      guard let scalar = Unicode.Scalar(value) else { continue }
      for variant in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
        let scalars = Array(variant.unicodeScalars)
        if scalars.count == 1 { extra.append(scalars[0].value...scalars[0].value) }
      }
      // The two scalars outside ASCII that fold to ASCII letters: long s and the Kelvin sign.
      if scalar == "s" || scalar == "S" { extra.append(0x17F...0x17F) }
      if scalar == "k" || scalar == "K" { extra.append(0x212A...0x212A) }
    }
    return ScalarSet(set.ranges + extra)
  }
}
