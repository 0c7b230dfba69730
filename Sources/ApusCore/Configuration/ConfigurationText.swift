/// Reads settings from the part of TOML or YAML that they need.
///
/// Flags have names and values and no structure; so this reads names with strings, numbers, booleans and lists of
/// them, and refuses the rest by line.
package enum ConfigurationText {
  package enum Syntax: Sendable, CaseIterable {
    case toml
    case yaml

    var separator: Character { self == .toml ? "=" : ":" }
  }

  /// The values by name, in the order of the text; throws `ConfigurationError`.
  package static func parse(_ text: String, _ syntax: Syntax) throws -> JSONObject {
    var values = JSONObject()
    var lines = ConfigurationLines(text)
    while let line = lines.next() {
      if syntax == .yaml, line.text == "---", values.count == 0 { continue }
      var scanner = ConfigurationScanner(line, syntax)
      let key = try scanner.key()
      guard values[key] == nil else { throw scanner.error("'\(key)' is given twice") }
      if scanner.isAtEnd, syntax == .yaml {
        values[key] = .array(try items(&lines, after: scanner))
        continue
      }
      // A list may go on in the next lines.
      while scanner.hasOpenList, let more = lines.next() { scanner.append(more.text) }
      values[key] = try scanner.value()
      try scanner.finish()
    }
    return values
  }

  /// YAML's `- value` lines.
  private static func items(
    _ lines: inout ConfigurationLines, after key: ConfigurationScanner
  ) throws -> [JSONValue] {
    var items: [JSONValue] = []
    while let line = lines.peek(), let item = line.text.wholeMatch(of: /\s*-\s+(.*)/) {
      _ = lines.next()
      var scanner = ConfigurationScanner((line.number, item.1), .yaml)
      items.append(try scanner.value())
      try scanner.finish()
    }
    guard !items.isEmpty else { throw key.error("there is no value") }
    return items
  }
}

/// What is wrong with a file of settings.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
  package let line: Int
  package let reason: String

  package var description: String { "line \(line): \(reason)" }
}

/// The lines that are neither empty nor comments, with their numbers.
struct ConfigurationLines {
  private var rest: ArraySlice<(number: Int, text: Substring)>

  init(_ text: String) {
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    rest =
      lines.enumerated().map { ($0 + 1, $1) }.filter { _, text in
        guard let first = text.first(where: { !$0.isWhitespace }) else { return false }
        return first != "#"
      }[...]
  }

  func peek() -> (number: Int, text: Substring)? { rest.first }
  mutating func next() -> (number: Int, text: Substring)? { rest.popFirst() }
}
