/// How text looks on a terminal: the attributes of ECMA-48, "select graphic rendition".
package struct TextStyle: OptionSet, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let bold = TextStyle(rawValue: 1)
  package static let dim = TextStyle(rawValue: 2)
  package static let italic = TextStyle(rawValue: 4)
  /// Cyan, which can be read on dark and on light.
  package static let code = TextStyle(rawValue: 8)

  private static let attributes: [(style: TextStyle, number: Int)] = [
    (.bold, 1), (.dim, 2), (.italic, 3), (.code, 36),
  ]

  /// What changes a terminal that shows this style to another one.
  package func sequence(to other: TextStyle) -> String {
    guard self != other else { return "" }
    let kept = isSubset(of: other)
    let numbers = Self.attributes.filter {
      other.contains($0.style) && !(kept && contains($0.style))
    }.map { "\($0.number)" }
    return "\u{1B}[" + ((kept ? [] : ["0"]) + numbers).joined(separator: ";") + "m"
  }
}
