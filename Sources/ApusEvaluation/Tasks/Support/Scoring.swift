/// Rules that several tasks score with.
extension String {
  /// The text without spaces at its ends.
  var trimmed: String {
    let start = drop { $0.isWhitespace }
    guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...last])
  }

  /// The lines that are not blank, trimmed.
  var filledLines: [String] {
    split(whereSeparator: \.isNewline).map { String($0).trimmed }.filter { !$0.isEmpty }
  }

  /// The parts between commas and line ends, trimmed.
  var listed: [String] {
    split { $0 == "," || $0.isNewline }.map { String($0).trimmed }.filter { !$0.isEmpty }
  }

  /// The parts between arrows, trimmed and without quotes.
  var steps: [String] {
    replacing("->", with: "\n").split(whereSeparator: \.isNewline)
      .map { String($0).trimmed.trimmed(of: "\"") }.filter { !$0.isEmpty }
  }

  /// Without these characters at its ends.
  func trimmed(of characters: String) -> String {
    let start = drop { characters.contains($0) }
    guard let last = start.lastIndex(where: { !characters.contains($0) }) else { return "" }
    return String(start[...last])
  }

  /// Whether it is this text, whatever stands around it: spaces, quotes, a full stop.
  func isExactly(_ text: String) -> Bool {
    trimmed == text.trimmed
      || trimmed.trimmed(of: "\".").trimmed == text.trimmed.trimmed(of: "\".").trimmed
  }

  /// Whether the value stands in it as whole words: "12" does not stand in "123".
  func holds(_ value: String) -> Bool {
    guard !value.isEmpty else { return false }
    var rest = self[...]
    while let range = rest.firstRange(of: value) {
      let before = range.lowerBound == startIndex ? nil : self[index(before: range.lowerBound)]
      let after = range.upperBound == endIndex ? nil : self[range.upperBound]
      func continues(_ neighbour: Character?, _ own: Character?) -> Bool {
        guard let neighbour, let own else { return false }
        return (neighbour.isLetter || neighbour.isNumber) && (own.isLetter || own.isNumber)
      }
      if !continues(before, value.first), !continues(after, value.last) { return true }
      rest = self[index(after: range.lowerBound)...]
    }
    return false
  }
}

extension TaskScore {
  /// The part of the values that stand in the answer.
  static func recall(_ answer: String, _ expected: [String]) -> TaskScore {
    guard !expected.isEmpty else { return TaskScore(0) }
    return TaskScore(Double(expected.count { answer.holds($0) }) / Double(expected.count))
  }

  /// The part of what was expected that was given.
  static func recall(_ given: [String], _ expected: [String]) -> TaskScore {
    TaskScore(
      counts(given, expected).recall, details: ["precision": counts(given, expected).precision])
  }

  /// The harmonic mean of precision and recall.
  static func f1(_ given: [String], _ expected: [String]) -> TaskScore {
    let (precision, recall) = counts(given, expected)
    let sum = precision + recall
    return TaskScore(
      sum > 0 ? 2 * precision * recall / sum : 0,
      details: ["precision": precision, "recall": recall])
  }

  /// Each counts as often as it was given and expected.
  private static func counts(
    _ given: [String], _ expected: [String]
  ) -> (precision: Double, recall: Double) {
    var rest = Dictionary(expected.map { ($0, 1) }, uniquingKeysWith: +)
    var common = 0
    for value in given where rest[value, default: 0] > 0 {
      rest[value, default: 0] -= 1
      common += 1
    }
    return (
      given.isEmpty ? 0 : Double(common) / Double(given.count),
      expected.isEmpty ? 0 : Double(common) / Double(expected.count)
    )
  }
}
