/// Parses the regular expressions of pre-tokenisers: Oniguruma's syntax, less what no linear-time automaton can do
/// (back references, look-behind, look-ahead over more than one character).
struct PatternParser {
  private let text: String
  let scalars: [UInt32]
  var index = 0
  var ignoresCase = false
  private var depth = 0
  private static let depthLimit = 100

  init(_ text: String) {
    self.text = text
    scalars = text.unicodeScalars.map(\.value)
  }

  static func parse(_ text: String) throws -> PatternNode {
    var parser = PatternParser(text)
    let node = try parser.parseAlternatives()
    guard parser.index == parser.scalars.count else { throw parser.error("unbalanced ')'") }
    return node
  }

  func error(_ problem: String) -> TokenizerError { .pattern(text, problem: problem) }

  // MARK: Reading

  func peek(_ character: Unicode.Scalar) -> Bool {
    index < scalars.count && scalars[index] == character.value
  }

  func peek(_ literal: String) -> Bool {
    scalars[min(index, scalars.count)...].starts(with: literal.unicodeScalars.map(\.value))
  }

  mutating func consume(_ literal: String) -> Bool {
    guard peek(literal) else { return false }
    index += literal.unicodeScalars.count
    return true
  }

  mutating func next() throws -> UInt32 {
    guard index < scalars.count else { throw error("unexpected end") }
    index += 1
    return scalars[index - 1]
  }

  // MARK: Grammar

  private mutating func parseAlternatives() throws -> PatternNode {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else { throw error("nested too deeply") }
    var branches = [try parseSequence()]
    while consume("|") { branches.append(try parseSequence()) }
    return branches.count == 1 ? branches[0] : .alternatives(branches)
  }

  private mutating func parseSequence() throws -> PatternNode {
    var items: [PatternNode] = []
    while index < scalars.count, !peek("|"), !peek(")") {
      items.append(try parseQuantified())
    }
    return items.isEmpty ? .empty : items.count == 1 ? items[0] : .sequence(items)
  }

  private mutating func parseQuantified() throws -> PatternNode {
    var node = try parseAtom()
    while let (minimum, maximum, isInterval) = try parseQuantifier() {
      if consume("?") {
        node = .repeated(node, minimum: minimum, maximum: maximum, greedy: false)
      } else if !isInterval, consume("+") {
        node = try possessive(node, minimum: minimum, maximum: maximum)
      } else {
        node = .repeated(node, minimum: minimum, maximum: maximum, greedy: true)
      }
    }
    return node
  }

  /// A possessive repeat of one set is a greedy one that may not stop before another member of the set.
  private func possessive(_ node: PatternNode, minimum: Int, maximum: Int?) throws -> PatternNode {
    guard case .set(let set) = node else { throw error("possessive repeat of a group") }
    let stop = PatternNode.look(set.inverted, orEnd: true)
    let greedy = PatternNode.repeated(node, minimum: minimum, maximum: maximum, greedy: true)
    if maximum == nil { return .sequence([greedy, stop]) }
    return .alternatives([node, stop])  // the only bounded one is "?+"
  }

  private mutating func parseQuantifier() throws -> (Int, Int?, isInterval: Bool)? {
    if consume("*") { return (0, nil, false) }
    if consume("+") { return (1, nil, false) }
    if consume("?") { return (0, 1, false) }
    guard peek("{"), let (minimum, maximum, length) = interval() else { return nil }
    index += length
    guard minimum <= 1000, maximum ?? 0 <= 1000, maximum.map({ $0 >= minimum }) ?? true else {
      throw error("repeat count out of range")
    }
    return (minimum, maximum, true)
  }

  private func interval() -> (Int, Int?, length: Int)? {
    guard let close = scalars[index...].firstIndex(of: 0x7D), close - index < 12 else { return nil }
    let body = String(
      String.UnicodeScalarView(scalars[index + 1..<close].compactMap(Unicode.Scalar.init)))
    let sides = body.split(separator: ",", omittingEmptySubsequences: false)
    let length = close + 1 - index
    if sides.count == 1, let count = Int(body), count >= 0 { return (count, count, length) }
    guard sides.count == 2, let minimum = sides[0].isEmpty ? 0 : Int(sides[0]), minimum >= 0 else {
      return nil
    }
    if sides[1].isEmpty { return sides[0].isEmpty ? nil : (minimum, nil, length) }
    guard let maximum = Int(sides[1]), maximum >= 0 else { return nil }
    return (minimum, maximum, length)
  }

  private mutating func parseAtom() throws -> PatternNode {
    let scalar = try next()
    switch Unicode.Scalar(scalar) {
    case "(": return try parseGroup()
    case "[": return .set(try parseClass())
    case ".": return .set(ScalarSet("\n").inverted)
    case "$": return .look(ScalarSet("\n"), orEnd: true)
    case "^": throw error("'^' is not supported")
    case "*", "+", "?": throw error("nothing to repeat")
    case "\\":
      if consume("z") { return .look(ScalarSet(), orEnd: true) }
      return .set(try parseEscape(inClass: false))
    default: return .set(folded(ScalarSet(scalar...scalar)))
    }
  }

  private mutating func parseGroup() throws -> PatternNode {
    if consume("?=") { return try parseLook(negative: false) }
    if consume("?!") { return try parseLook(negative: true) }
    if peek("?<=") || peek("?<!") { throw error("look-behind is not supported") }
    let outer = ignoresCase
    defer { ignoresCase = outer }
    if consume("?i:") {
      ignoresCase = true
    } else if consume("?:") || !peek("?") {
    } else {
      throw error("unknown kind of group")
    }
    let node = try parseAlternatives()
    guard consume(")") else { throw error("missing ')'") }
    return node
  }

  private mutating func parseLook(negative: Bool) throws -> PatternNode {
    let body = try parseAlternatives()
    guard consume(")") else { throw error("missing ')'") }
    guard let (set, orEnd) = Self.lookahead(body) else {
      throw error("look-ahead over more than one character")
    }
    return negative ? .look(set.inverted, orEnd: !orEnd) : .look(set, orEnd: orEnd)
  }

  private static func lookahead(_ node: PatternNode) -> (ScalarSet, orEnd: Bool)? {
    switch node {
    case .set(let set): return (set, false)
    case .look(let set, let orEnd): return (set, orEnd)
    case .alternatives(let branches):
      var result = (set: ScalarSet(), orEnd: false)
      for branch in branches {
        guard let (set, orEnd) = lookahead(branch) else { return nil }
        result = (result.set.union(set), result.orEnd || orEnd)
      }
      return (result.set, result.orEnd)
    default: return nil
    }
  }
}
