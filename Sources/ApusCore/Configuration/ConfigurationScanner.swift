/// Reads one line from left to right.
struct ConfigurationScanner {
  private let number: Int
  private let syntax: ConfigurationText.Syntax
  private var rest: Substring

  init(_ line: (number: Int, text: Substring), _ syntax: ConfigurationText.Syntax) {
    number = line.number
    self.syntax = syntax
    rest = line.text
  }

  func error(_ reason: String) -> ConfigurationError {
    ConfigurationError(line: number, reason: reason)
  }

  mutating func append(_ text: Substring) { rest = Substring(rest + "\n" + text) }

  private mutating func skipSpace() { rest = rest.drop { $0.isWhitespace } }

  /// In lists, whose lines have been joined.
  private mutating func skipComments() {
    skipSpace()
    while rest.first == "#" {
      rest = rest.drop { $0 != "\n" }
      skipSpace()
    }
  }

  /// Whether nothing or a comment is left.
  var isAtEnd: Bool {
    guard let first = rest.first(where: { !$0.isWhitespace }) else { return true }
    return first == "#"
  }

  func finish() throws {
    guard isAtEnd else { throw error("'\(rest.prefix(20))' stands after the value") }
  }

  /// The name before the value.
  mutating func key() throws -> String {
    if rest.first?.isWhitespace == true, syntax == .yaml {
      throw error("values inside of values are not used here")
    }
    skipSpace()
    if rest.first == "[" { throw error("tables are not used here; give the names of flags alone") }
    let quoted = rest.first == "\"" || rest.first == "'"
    let name =
      quoted
      ? try string() : String(rest.prefix { $0.isLetter || $0.isNumber || "-_".contains($0) })
    if !quoted { rest = rest.dropFirst(name.count) }
    skipSpace()
    guard !name.isEmpty, rest.first == syntax.separator else {
      throw error("expected 'name\(syntax == .toml ? " =" : ":") value'")
    }
    rest.removeFirst()
    return name
  }

  /// Whether a list has begun that does not end in this line.
  var hasOpenList: Bool {
    var depth = 0
    var quote: Character?
    var isComment = false
    for character in rest {
      if isComment {
        isComment = character != "\n"
        continue
      }
      if let open = quote {
        if character == open { quote = nil }
        continue
      }
      switch character {
      case "\"", "'": quote = character
      case "#": isComment = true
      case "[": depth += 1
      case "]": depth -= 1
      default: break
      }
    }
    return depth > 0 && rest.first { !$0.isWhitespace } == "["
  }

  /// A string, a number, a boolean or a list.
  mutating func value(inList: Bool = false) throws -> JSONValue {
    skipSpace()
    switch rest.first {
    case nil, "#": throw error("there is no value")
    case "\"", "'": return .string(try string())
    case "[" where !inList: return try list()
    case "[", "{": throw error("values inside of values are not used here")
    default: return try word(inList: inList)
    }
  }

  private mutating func list() throws -> JSONValue {
    rest.removeFirst()
    var elements: [JSONValue] = []
    while true {
      skipComments()
      if rest.first == "]" { break }
      elements.append(try value(inList: true))
      skipComments()
      if rest.first == "," { rest.removeFirst() } else { break }
    }
    guard rest.first == "]" else { throw error("the list has no end") }
    rest.removeFirst()
    return .array(elements)
  }

  private mutating func string() throws -> String {
    let quote = rest.removeFirst()
    var end = rest.startIndex
    while end < rest.endIndex, rest[end] != quote {
      // Only strings in double quotes have escapes.
      if quote == "\"", rest[end] == "\\" { end = rest.index(after: end) }
      if end < rest.endIndex { end = rest.index(after: end) }
    }
    guard end < rest.endIndex else { throw error("the string has no end") }
    let content = rest[..<end]
    rest = rest[rest.index(after: end)...]
    guard quote == "\"" else { return String(content) }
    do {
      return try JSONValue(parsing: "\"\(content)\"").stringValue ?? ""
    } catch let problem {
      throw error("the string is wrong: \(problem)")
    }
  }

  /// A value without quotes: up to a comment, or in a list up to its separators.
  private mutating func word(inList: Bool) throws -> JSONValue {
    var end = rest.startIndex
    var previous: Character = " "
    while end < rest.endIndex {
      let character = rest[end]
      if character == "#", previous.isWhitespace { break }
      if inList, character == "," || character == "]" { break }
      previous = character
      end = rest.index(after: end)
    }
    var word = rest[..<end]
    rest = rest[end...]
    while word.last?.isWhitespace == true { word.removeLast() }
    if let value = Self.literal(word) { return value }
    guard syntax == .yaml else { throw error("'\(word.prefix(20))' is no value; quote strings") }
    guard !word.isEmpty, !"&*!|>%@`".contains(word.first ?? " ") else {
      throw error("'\(word.prefix(20))' is not used here; quote strings")
    }
    return .string(String(word))
  }

  private static func literal(_ word: Substring) -> JSONValue? {
    if word == "true" { return true }
    if word == "false" { return false }
    let digits = word.filter { $0 != "_" }
    guard let first = digits.first, first.isNumber || first == "-" || first == "+",
      word.last != "_"
    else { return nil }
    if let integer = Int64(digits) { return .integer(integer) }
    return Double(digits).flatMap { $0.isFinite ? .number($0) : nil }
  }
}
