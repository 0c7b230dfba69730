/// Splits a template into text and tags, with the whitespace rules of `trim_blocks` and `lstrip_blocks`.
struct TemplateLexer {
  let source: [UInt8]
  var index = 0
  var line = 1
  var tokens: [TemplateToken] = []
  /// Whether the last tag ended with a line break, so that the text after it begins a line.
  private var startsLine = true

  init(_ text: String) {
    source = Self.normalized(Array(text.utf8))
  }

  static func tokenize(_ text: String) throws -> [TemplateToken] {
    if text.utf8.count > TemplateMeter.sourceLimit {
      throw ChatTemplateError.limit(
        line: 1, message: "template longer than \(TemplateMeter.sourceLimit) bytes")
    }
    var lexer = TemplateLexer(text)
    while lexer.index < lexer.source.count { try lexer.lexText() }
    lexer.emit(.end)
    return lexer.tokens
  }

  /// Makes every line break one newline and drops the last one.
  private static func normalized(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    for (index, byte) in bytes.enumerated() {
      if byte == 0x0D {
        result.append(0x0A)
      } else if byte != 0x0A || index == 0 || bytes[index - 1] != 0x0D {
        result.append(byte)
      }
    }
    if result.last == 0x0A { result.removeLast() }
    return result
  }

  func fail(_ message: String) -> ChatTemplateError { .syntax(line: line, message: message) }

  mutating func emit(_ kind: TemplateToken.Kind) {
    tokens.append(TemplateToken(kind: kind, line: line))
  }

  /// Moves to `end`, counting lines.
  mutating func advance(to end: Int) {
    for position in index..<end where source[position] == 0x0A { line += 1 }
    index = end
  }

  func byte(at position: Int) -> UInt8? { position < source.count ? source[position] : nil }

  func matches(_ text: StaticString, at position: Int) -> Bool {
    let expected = text.description.utf8
    guard position + expected.count <= source.count else { return false }
    return zip(expected, source[position...]).allSatisfy { $0 == $1 }
  }

  // MARK: Text

  private mutating func lexText() throws {
    guard let tag = nextTag(from: index) else {
      emit(.data(Array(source[index...])))
      index = source.count
      return
    }
    let mark = source[tag + 1]
    let sign = signAt(tag + 2)
    emitText(to: tag, sign: sign, stripsLine: mark != UInt8(ascii: "{"))
    if mark == UInt8(ascii: "%"), let body = rawBody(afterTag: tag) {
      try lexRaw(from: body)
      return
    }
    let start = tag + (sign == nil ? 2 : 3)
    switch mark {
    case UInt8(ascii: "#"):
      advance(to: start)
      try lexComment()
    case UInt8(ascii: "{"):
      emit(.variableBegin)
      advance(to: start)
      try lexTag(isBlock: false)
    default:
      emit(.blockBegin)
      advance(to: start)
      try lexTag(isBlock: true)
    }
  }

  private func nextTag(from start: Int) -> Int? {
    var position = start
    while position + 1 < source.count {
      if source[position] == UInt8(ascii: "{") {
        let next = source[position + 1]
        if next == UInt8(ascii: "%") || next == UInt8(ascii: "{") || next == UInt8(ascii: "#") {
          return position
        }
      }
      position += 1
    }
    return nil
  }

  private func signAt(_ position: Int) -> UInt8? {
    guard let byte = byte(at: position) else { return nil }
    return byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") ? byte : nil
  }

  private mutating func emitText(to end: Int, sign: UInt8?, stripsLine: Bool) {
    var cut = end
    if sign == UInt8(ascii: "-") {
      cut = source.droppingWhitespace(before: end, downTo: index)
    } else if sign == nil, stripsLine {
      var lineStart = end
      while lineStart > index, source[lineStart - 1] != 0x0A { lineStart -= 1 }
      if lineStart > index || startsLine,
        source.droppingWhitespace(before: end, downTo: lineStart) == lineStart
      {
        cut = lineStart
      }
    }
    if cut > index { emit(.data(Array(source[index..<cut]))) }
    advance(to: end)
  }

  // MARK: Raw blocks and comments

  /// The start of the text of a raw block, if the tag opens one.
  private func rawBody(afterTag tag: Int) -> Int? {
    guard let close = keywordEnd("raw", afterTag: tag) else { return nil }
    if matches("-%}", at: close) { return source.skippingWhitespace(from: close + 3) }
    return matches("%}", at: close) ? close + 2 : nil
  }

  private func keywordEnd(_ keyword: StaticString, afterTag tag: Int) -> Int? {
    let start = source.skippingWhitespace(from: tag + (signAt(tag + 2) == nil ? 2 : 3))
    guard matches(keyword, at: start) else { return nil }
    return source.skippingWhitespace(from: start + keyword.utf8CodeUnitCount)
  }

  private mutating func lexRaw(from body: Int) throws {
    advance(to: body)
    startsLine = source[body - 1] == 0x0A
    var position = index
    while let tag = nextTag(from: position) {
      position = tag + 1
      guard source[tag + 1] == UInt8(ascii: "%"),
        let close = keywordEnd("endraw", afterTag: tag), let end = blockEnd(at: close)
      else { continue }
      emitText(to: tag, sign: signAt(tag + 2), stripsLine: true)
      finishTag(at: end)
      return
    }
    // As in jinja2, an end of the template right here closes it.
    if index < source.count { throw fail("Missing end of raw directive") }
  }

  private mutating func lexComment() throws {
    var position = index
    while position + 1 < source.count {
      if source[position] == UInt8(ascii: "#"), source[position + 1] == UInt8(ascii: "}") {
        let sign = position > index ? signAt(position - 1) : nil
        var end = position + 2
        if sign == UInt8(ascii: "-") {
          end = source.skippingWhitespace(from: end)
        } else if sign == nil, byte(at: end) == 0x0A {
          end += 1
        }
        finishTag(at: end)
        return
      }
      position += 1
    }
    if index < source.count { throw fail("Missing end of comment tag") }
  }

  // MARK: Ends of tags

  /// The position after `%}` and what its sign trims, if a block ends here.
  func blockEnd(at position: Int) -> Int? {
    if matches("+%}", at: position) { return position + 3 }
    if matches("-%}", at: position) { return source.skippingWhitespace(from: position + 3) }
    guard matches("%}", at: position) else { return nil }
    return byte(at: position + 2) == 0x0A ? position + 3 : position + 2
  }

  func variableEnd(at position: Int) -> Int? {
    if matches("-}}", at: position) { return source.skippingWhitespace(from: position + 3) }
    return matches("}}", at: position) ? position + 2 : nil
  }

  mutating func finishTag(at end: Int) {
    advance(to: end)
    startsLine = source[end - 1] == 0x0A
  }
}
