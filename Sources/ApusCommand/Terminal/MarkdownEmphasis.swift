/// What asterisks do: one begins and ends italic, two bold, three both.
struct MarkdownEmphasis {
  /// What is open, the innermost last.
  private var open: [TextStyle] = []

  var style: TextStyle { TextStyle(open) }

  private static func width(_ style: TextStyle) -> Int { style == .bold ? 2 : 1 }

  /// Takes a run of asterisks between two characters; returns how many of them are just asterisks.
  mutating func apply(_ count: Int, previous: Unicode.Scalar?, next: Unicode.Scalar?) -> Int {
    var rest = count
    if Self.mayEnd(previous, next) {
      for style in [TextStyle.bold, .italic] where Self.width(style) <= rest {
        guard let index = open.lastIndex(of: style) else { continue }
        rest -= min(rest, open[index...].reduce(0) { $0 + Self.width($1) })
        open.removeSubrange(index...)
      }
    }
    let styles: [TextStyle] = rest == 1 ? [.italic] : rest == 2 ? [.bold] : [.bold, .italic]
    guard (1...3).contains(rest), Self.mayBegin(previous, next),
      styles.allSatisfy({ !open.contains($0) })
    else { return rest }
    open += styles
    return 0
  }

  /// Behind white space nothing ends, nor between an opening bracket or quote and a word.
  private static func mayEnd(_ previous: Unicode.Scalar?, _ next: Unicode.Scalar?) -> Bool {
    guard let previous, !previous.properties.isWhitespace else { return false }
    guard previous.beginsQuotation, let next else { return true }
    return next.properties.isWhitespace || next.isPunctuation
  }

  /// Products and powers (`2*3`, `x**2`), patterns (`*.txt`) and assignments (`a *= b`) have to stay what they are.
  /// Languages without spaces between words have emphasis inside.
  private static func mayBegin(_ previous: Unicode.Scalar?, _ next: Unicode.Scalar?) -> Bool {
    guard let next, !next.properties.isWhitespace else { return false }
    let firstIdeograph: UInt32 = 0x2E80
    if let previous, previous.value < firstIdeograph, previous.isWord { return false }
    if next.isASCII { return next.isWord || "\"'([{<`$#@~_+-\\".unicodeScalars.contains(next) }
    switch next.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .spacingMark, .closePunctuation, .finalPunctuation,
      .format:
      return false
    default: return true
    }
  }
}

extension Unicode.Scalar {
  fileprivate var isWord: Bool { properties.isAlphabetic || properties.numericType != nil }

  fileprivate var beginsQuotation: Bool {
    switch properties.generalCategory {
    case .openPunctuation, .initialPunctuation: true
    default: self == "\"" || self == "'"
    }
  }

  fileprivate var isPunctuation: Bool {
    switch properties.generalCategory {
    case .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation,
      .otherPunctuation, .dashPunctuation, .connectorPunctuation, .mathSymbol, .currencySymbol,
      .modifierSymbol, .otherSymbol:
      true
    default: false
    }
  }
}
