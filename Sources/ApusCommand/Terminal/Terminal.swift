import Foundation

/// What may be written to a terminal.
package enum Terminal {
  /// Whether colours and other styles are wanted: not in a file or pipe, not on a terminal without control sequences,
  /// and not where `NO_COLOR` is set (no-color.org).
  package static func showsStyles(isTerminal: Bool, environment: [String: String]) -> Bool {
    isTerminal && obeysSequences(environment) && (environment["NO_COLOR"] ?? "").isEmpty
  }

  /// Whether a terminal of this environment takes control sequences.
  package static func obeysSequences(_ environment: [String: String]) -> Bool {
    !["", "dumb"].contains(environment["TERM"] ?? "")
  }
}

extension Unicode.Scalar {
  /// Whether a terminal shows the character and does not obey it: all but C0, DEL and C1; line feed and tab are wanted.
  package var isHarmless: Bool {
    self == "\n" || self == "\t" || properties.generalCategory != .control
  }
}

extension String {
  /// The text without characters that a terminal would obey, such as the escape that begins a control sequence.
  package var harmless: String {
    // The usual case costs one pass and no copy.
    guard unicodeScalars.contains(where: { !$0.isHarmless }) else { return self }
    return String(String.UnicodeScalarView(unicodeScalars.filter(\.isHarmless)))
  }
}
