/// Shows Markdown on a terminal as it is being written: text in pieces in, styled text out.
///
/// What has been printed cannot be taken back, so that all is decided by what came before and the character behind a
/// marker: nothing but the marker at hand is held back, and the pieces in which a text comes make no difference. A
/// marker that begins something is not shown, and what it begins ends with its line at the latest. Fenced code blocks,
/// with their fences, and all that is not rendered (tables, links, rules) are shown as they are written. The rules for
/// what a marker does are those of CommonMark where they do not need what comes later.
package struct MarkdownRenderer: Sendable {
  enum Mode {
    /// Nothing but white space has come in this line.
    case lineStart
    case text
    /// In a code span that so many backticks end.
    case code(Int)
    /// In the line that begins a code block.
    case fenceLine(MarkdownFence)
    case fenced(MarkdownFence)
  }

  /// A marker whose meaning depends on what follows.
  struct Marker {
    let scalar: Unicode.Scalar
    var count = 1
  }

  var mode = Mode.lineStart
  var emphasis = MarkdownEmphasis()
  /// The character before the marker at hand, in the same line.
  var previous: Unicode.Scalar?
  private var marker: Marker?
  private var isHeading = false
  /// What the terminal shows at the end of `output`.
  private var shown = TextStyle()
  private var output = ""

  package init() {}

  /// The next part of the text; returns what to print.
  package mutating func append(_ text: String) -> String {
    for scalar in text.unicodeScalars where scalar.isHarmless { take(scalar) }
    return takeOutput()
  }

  /// Ends the text; returns the rest to print, after which the terminal has its usual style.
  package mutating func finish() -> String {
    if let marker { _ = resolve(marker, next: nil) }
    let rest = takeOutput() + shown.sequence(to: [])
    self = MarkdownRenderer()
    return rest
  }

  private mutating func takeOutput() -> String {
    defer { output = "" }
    return output
  }

  private mutating func take(_ scalar: Unicode.Scalar) {
    if let marker {
      if scalar == marker.scalar, scalar != "\\" {
        self.marker?.count += 1
        return
      }
      self.marker = nil
      if resolve(marker, next: scalar) { return }
    }
    if scalar == "\n" {
      endLine()
    } else if beginsMarker(scalar) {
      marker = Marker(scalar: scalar)
    } else {
      put(scalar)
    }
  }

  private mutating func endLine() {
    switch mode {
    case .fenceLine(let fence): mode = .fenced(fence)
    case .fenced(let fence) where !fence.isClosed: mode = .fenced(fence.nextLine)
    default: mode = .lineStart
    }
    isHeading = false
    emphasis = MarkdownEmphasis()
    previous = nil
    output += shown.sequence(to: []) + "\n"
    shown = []
  }

  private mutating func beginsMarker(_ scalar: Unicode.Scalar) -> Bool {
    switch mode {
    case .lineStart:
      if scalar.properties.isWhitespace { return false }
      if "*`~#-+\\".unicodeScalars.contains(scalar) { return true }
      mode = .text
      return false
    case .text: return scalar == "*" || scalar == "`" || scalar == "\\"
    case .code: return scalar == "`"
    case .fenceLine(let fence):
      guard scalar == "`", fence.scalar == "`" else { return false }
      // Behind such a fence stands no backtick: it was a code span.
      mode = .code(fence.length)
      return true
    case .fenced(var fence):
      fence.take(scalar)
      mode = .fenced(fence)
      return false
    }
  }

  /// Prints a marker or does what it says, `next` being what follows it; true when that has been dealt with too.
  private mutating func resolve(_ marker: Marker, next: Unicode.Scalar?) -> Bool {
    if case .lineStart = mode {
      mode = .text
      if beginBlock(marker, next: next) { return false }
    }
    switch (mode, marker.scalar) {
    case (.text, "*"):
      let literal = emphasis.apply(marker.count, previous: previous, next: next)
      put(marker.scalar, count: literal)
      if literal == 0 { previous = marker.scalar }
    case (.text, "`"):
      let opens =
        next.map { $0 != "\n" && (marker.count > 1 || !$0.properties.isWhitespace) } ?? false
      if opens { mode = .code(marker.count) } else { put(marker.scalar, count: marker.count) }
    case (.text, "\\"):
      // LaTeX is full of other backslashes, and of two in a row that are not one.
      if let next, "*`_#~".unicodeScalars.contains(next) {
        put(next)
        return true
      }
      put("\\")
      guard next == "\\" else { return false }
      put("\\")
      return true
    case (.code(marker.count), "`"):
      mode = .text
      previous = marker.scalar
    default: put(marker.scalar, count: marker.count)
    }
    return false
  }

  /// What a marker at the start of a line begins; false if it is one of the text.
  private mutating func beginBlock(_ marker: Marker, next: Unicode.Scalar?) -> Bool {
    let isApart = next?.properties.isWhitespace ?? true
    switch marker.scalar {
    case "#":
      isHeading = marker.count <= 6 && isApart
      put("#", count: marker.count)
    case "`" where marker.count >= 3, "~" where marker.count >= 3:
      mode = .fenceLine(MarkdownFence(scalar: marker.scalar, length: marker.count))
      put(marker.scalar, count: marker.count)
    case "*" where marker.count == 1, "-" where marker.count == 1, "+" where marker.count == 1:
      guard next == " " || next == "\t" else { return false }
      put("•")
    default: return false
    }
    return true
  }

  private var style: TextStyle {
    var style = emphasis.style
    if isHeading { style.insert(.bold) }
    switch mode {
    case .code: style.insert(.code)
    case .fenceLine, .fenced: style = .dim
    case .lineStart, .text: break
    }
    return style
  }

  private mutating func put(_ scalar: Unicode.Scalar, count: Int = 1) {
    guard count > 0 else { return }
    output += shown.sequence(to: style)
    shown = style
    for _ in 0..<count { output.unicodeScalars.append(scalar) }
    previous = scalar
  }
}
