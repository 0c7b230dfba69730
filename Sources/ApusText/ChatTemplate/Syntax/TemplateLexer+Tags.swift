/// The tokens between `{{` and `}}` or `{%` and `%}`.
extension TemplateLexer {
  mutating func lexTag(isBlock: Bool) throws {
    var brackets: [TemplateSymbol] = []
    while index < source.count {
      if brackets.isEmpty, let end = isBlock ? blockEnd(at: index) : variableEnd(at: index) {
        emit(isBlock ? .blockEnd : .variableEnd)
        finishTag(at: end)
        return
      }
      let space = source.skippingWhitespace(from: index)
      if space > index {
        advance(to: space)
        continue
      }
      switch source[index] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): try lexNumber()
      case UInt8(ascii: "'"), UInt8(ascii: "\""): try lexString()
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "_"), 0x80...:
        try lexName()
      default: try lexSymbol(&brackets)
      }
    }
  }

  private mutating func lexName() throws {
    var end = index
    while let byte = byte(at: end), Self.isNameByte(byte) { end += 1 }
    let name = String(decoding: source[index..<end], as: UTF8.self)
    for (position, scalar) in name.unicodeScalars.enumerated() where !scalar.isASCII {
      let properties = scalar.properties
      guard position == 0 ? properties.isXIDStart : properties.isXIDContinue else {
        throw fail("Invalid character in identifier")
      }
    }
    emit(.name(name))
    index = end
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
      true
    default: false
    }
  }

  private mutating func lexSymbol(_ brackets: inout [TemplateSymbol]) throws {
    var symbol: TemplateSymbol?
    for length in [2, 1] where symbol == nil && index + length <= source.count {
      symbol = TemplateSymbol(
        rawValue: String(decoding: source[index..<index + length], as: UTF8.self))
    }
    guard let symbol else {
      let scalar = Unicode.Scalar(source[index])
      throw fail("unexpected char \(String(scalar).debugDescription) at \(index)")
    }
    switch symbol {
    case .leftBrace: brackets.append(.rightBrace)
    case .leftParen: brackets.append(.rightParen)
    case .leftBracket: brackets.append(.rightBracket)
    case .rightBrace, .rightParen, .rightBracket:
      guard let expected = brackets.popLast() else { throw fail("unexpected '\(symbol.rawValue)'") }
      guard expected == symbol else {
        throw fail("unexpected '\(symbol.rawValue)', expected '\(expected.rawValue)'")
      }
    default: break
    }
    emit(.symbol(symbol))
    index += symbol.rawValue.utf8.count
  }

  // MARK: Numbers

  private mutating func lexNumber() throws {
    let start = index
    if start == 0 || source[start - 1] != UInt8(ascii: "."), let end = floatEnd(from: start) {
      guard let value = Double(digits(start..<end)) else { throw fail("invalid number") }
      emit(.number(value))
      index = end
      return
    }
    var radix = 10
    var end = start + 1
    if source[start] == UInt8(ascii: "0") {
      let mark = byte(at: start + 1).map { $0 | 0x20 }
      let prefixed: [UInt8: Int] = [
        UInt8(ascii: "x"): 16, UInt8(ascii: "o"): 8, UInt8(ascii: "b"): 2,
      ]
      if let mark, let base = prefixed[mark], let stop = digitsEnd(from: start + 2, radix: base) {
        radix = base
        end = stop
      } else {
        end = digitsEnd(from: start, radix: 1) ?? start + 1
      }
    } else {
      end = digitsEnd(from: start, radix: 10) ?? start + 1
    }
    let text = digits(radix == 10 ? start..<end : start + 2..<end)
    guard let value = Int(text, radix: radix) else { throw fail("integer out of range") }
    emit(.integer(value))
    index = end
  }

  private func digits(_ range: Range<Int>) -> String {
    String(decoding: source[range].filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
  }

  /// The end of a run of digits that may be grouped by single underscores; radix 1 means zeros only.
  private func digitsEnd(from start: Int, radix: Int) -> Int? {
    func isDigit(_ position: Int) -> Bool {
      guard let byte = byte(at: position), byte < 0x80,
        let value = Character(Unicode.Scalar(byte)).hexDigitValue
      else { return false }
      return value < radix
    }
    var end = start
    while true {
      if isDigit(end) {
        end += 1
      } else if byte(at: end) == UInt8(ascii: "_"), isDigit(end + 1), end > start || radix != 10 {
        end += 2
      } else {
        return end > start ? end : nil
      }
    }
  }

  private func floatEnd(from start: Int) -> Int? {
    guard var end = digitsEnd(from: start, radix: 10) else { return nil }
    var isFloat = false
    if byte(at: end) == UInt8(ascii: "."), let fraction = digitsEnd(from: end + 1, radix: 10) {
      end = fraction
      isFloat = true
    }
    if let mark = byte(at: end), mark | 0x20 == UInt8(ascii: "e") {
      var exponent = end + 1
      if let sign = byte(at: exponent), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
        exponent += 1
      }
      if let stop = digitsEnd(from: exponent, radix: 10) { return stop }
    }
    return isFloat ? end : nil
  }

  // MARK: Strings

  private mutating func lexString() throws {
    let quote = source[index]
    var bytes: [UInt8] = []
    var position = index + 1
    while let byte = byte(at: position) {
      position += 1
      if byte == quote {
        emit(.string(bytes))
        advance(to: position)
        return
      }
      if byte == UInt8(ascii: "\\") {
        position = try unescape(at: position, into: &bytes)
      } else {
        bytes.append(byte)
      }
    }
    throw fail("unexpected char \(String(Unicode.Scalar(quote)).debugDescription) at \(index)")
  }

  /// Decodes the escape whose letter stands at `position`; returns the position after it.
  private func unescape(at position: Int, into bytes: inout [UInt8]) throws -> Int {
    guard let letter = byte(at: position) else { throw fail("unterminated string") }
    let simple: [UInt8: UInt8] = [
      UInt8(ascii: "n"): 0x0A, UInt8(ascii: "t"): 0x09, UInt8(ascii: "r"): 0x0D,
      UInt8(ascii: "a"): 0x07, UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0C,
      UInt8(ascii: "v"): 0x0B, UInt8(ascii: "\\"): UInt8(ascii: "\\"),
      UInt8(ascii: "'"): UInt8(ascii: "'"), UInt8(ascii: "\""): UInt8(ascii: "\""),
    ]
    if let value = simple[letter] {
      bytes.append(value)
      return position + 1
    }
    switch letter {
    case 0x0A: return position + 1
    case UInt8(ascii: "0")...UInt8(ascii: "7"):
      var end = position
      while end < position + 3, let byte = byte(at: end), byte & 0xF8 == 0x30 { end += 1 }
      try append(hex(position..<end, radix: 8), to: &bytes)
      return end
    case UInt8(ascii: "x"): return try appendHex(position + 1, 2, to: &bytes)
    case UInt8(ascii: "U"): return try appendHex(position + 1, 8, to: &bytes)
    case UInt8(ascii: "u"): return try appendUnicode(position + 1, to: &bytes)
    case UInt8(ascii: "N"): throw fail("named characters are not supported")
    default:
      bytes.append(UInt8(ascii: "\\"))
      return position
    }
  }

  /// Joins two escaped surrogates into the character they stand for.
  private func appendUnicode(_ start: Int, to bytes: inout [UInt8]) throws -> Int {
    if let high = hex(start..<start + 4), (0xD800..<0xDC00).contains(high),
      matches("\\u", at: start + 4), let low = hex(start + 6..<start + 10),
      (0xDC00..<0xE000).contains(low)
    {
      try append(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00), to: &bytes)
      return start + 10
    }
    return try appendHex(start, 4, to: &bytes)
  }

  private func appendHex(_ start: Int, _ length: Int, to bytes: inout [UInt8]) throws -> Int {
    try append(hex(start..<start + length), to: &bytes)
    return start + length
  }

  private func hex(_ range: Range<Int>, radix: Int = 16) -> UInt32? {
    guard range.upperBound <= source.count, source[range].allSatisfy({ Self.isNameByte($0) }) else {
      return nil
    }
    return UInt32(String(decoding: source[range], as: UTF8.self), radix: radix)
  }

  private func append(_ value: UInt32?, to bytes: inout [UInt8]) throws {
    guard let value, value < 0x110000 else { throw fail("invalid escape in a string") }
    bytes.append(contentsOf: String(Unicode.Scalar(value) ?? "\u{FFFD}").utf8)
  }
}
