/// Why a text is not JSON, with the byte where reading stopped.
public struct JSONError: Error, Equatable, CustomStringConvertible {
  public let message: String
  public let offset: Int
  public var description: String { "invalid JSON at byte \(offset): \(message)" }
}

extension JSONValue {
  /// Parses one JSON text (RFC 8259); throws `JSONError`.
  ///
  /// Nesting deeper than 512, invalid UTF-8 and lone surrogates are errors.
  public init(parsing bytes: [UInt8]) throws {
    var parser = JSONParser(bytes: bytes)
    self = try parser.parseDocument()
  }

  public init(parsing text: String) throws {
    try self.init(parsing: Array(text.utf8))
  }
}

struct JSONParser {
  private static let depthLimit = 512

  private let bytes: [UInt8]
  private var index = 0
  private var depth = 0

  init(bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
  }

  mutating func parseDocument() throws -> JSONValue {
    let value = try parseValue()
    skipWhitespace()
    guard index == bytes.count else { throw error("text after the value") }
    return value
  }

  private mutating func parseValue() throws -> JSONValue {
    skipWhitespace()
    guard index < bytes.count else { throw error("unexpected end") }
    switch bytes[index] {
    case UInt8(ascii: "{"): return try nested { try $0.parseObject() }
    case UInt8(ascii: "["): return try nested { try $0.parseArray() }
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): return try parseLiteral("true", .bool(true))
    case UInt8(ascii: "f"): return try parseLiteral("false", .bool(false))
    case UInt8(ascii: "n"): return try parseLiteral("null", .null)
    default: return try parseNumber()
    }
  }

  private mutating func nested(_ body: (inout JSONParser) throws -> JSONValue) throws -> JSONValue {
    depth += 1
    guard depth <= Self.depthLimit else { throw error("nested deeper than \(Self.depthLimit)") }
    defer { depth -= 1 }
    index += 1
    return try body(&self)
  }

  private mutating func parseObject() throws -> JSONValue {
    var object = JSONObject()
    skipWhitespace()
    if consume("}") { return .object(object) }
    while true {
      skipWhitespace()
      guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
        throw error("expected a key")
      }
      let key = try parseString()
      skipWhitespace()
      guard consume(":") else { throw error("expected ':'") }
      let value = try parseValue()
      // Large objects are vocabularies: looking for earlier keys would be quadratic; lookups take the last.
      if object.count < 64 { object[key] = value } else { object.append(key, value) }
      skipWhitespace()
      if consume(",") { continue }
      if consume("}") { return .object(object) }
      throw error("expected ',' or '}'")
    }
  }

  private mutating func parseArray() throws -> JSONValue {
    var elements: [JSONValue] = []
    skipWhitespace()
    if consume("]") { return .array(elements) }
    while true {
      elements.append(try parseValue())
      skipWhitespace()
      if consume(",") { continue }
      if consume("]") { return .array(elements) }
      throw error("expected ',' or ']'")
    }
  }

  private mutating func parseString() throws -> String {
    index += 1
    let start = index
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") {
        let text = try decode(bytes[start..<index])
        index += 1
        return text
      }
      if byte == UInt8(ascii: "\\") { return try parseEscapedString(from: start) }
      guard byte >= 0x20 else { throw error("control character in a string") }
      index += 1
    }
    throw error("unterminated string")
  }

  private mutating func parseEscapedString(from start: Int) throws -> String {
    var buffer = Array(bytes[start..<index])
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      switch byte {
      case UInt8(ascii: "\""): return try decode(buffer[...])
      case UInt8(ascii: "\\"): try parseEscape(into: &buffer)
      case 0..<0x20: throw error("control character in a string")
      default: buffer.append(byte)
      }
    }
    throw error("unterminated string")
  }

  private mutating func parseEscape(into buffer: inout [UInt8]) throws {
    guard index < bytes.count else { throw error("unterminated string") }
    let byte = bytes[index]
    index += 1
    switch byte {
    case UInt8(ascii: "n"): buffer.append(0x0A)
    case UInt8(ascii: "t"): buffer.append(0x09)
    case UInt8(ascii: "r"): buffer.append(0x0D)
    case UInt8(ascii: "b"): buffer.append(0x08)
    case UInt8(ascii: "f"): buffer.append(0x0C)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(byte)
    case UInt8(ascii: "u"): buffer.append(contentsOf: Array(String(try parseUnicode()).utf8))
    default: throw error("unknown escape")
    }
  }

  private mutating func parseUnicode() throws -> Character {
    let unit = try parseHex()
    if let scalar = Unicode.Scalar(unit) { return Character(scalar) }
    guard (0xD800..<0xDC00).contains(unit), consume("\\"), consume("u") else {
      throw error("lone surrogate \\u\(String(unit, radix: 16))")
    }
    let low = try parseHex()
    guard (0xDC00..<0xE000).contains(low),
      let scalar = Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
    else { throw error("lone surrogate \\u\(String(unit, radix: 16))") }
    return Character(scalar)
  }

  private mutating func parseHex() throws -> UInt32 {
    guard index + 4 <= bytes.count else { throw error("unterminated string") }
    var value: UInt32 = 0
    for byte in bytes[index..<index + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
        throw error("expected four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
    }
    index += 4
    return value
  }

  private func decode(_ slice: ArraySlice<UInt8>) throws -> String {
    guard let text = String(validating: slice, as: UTF8.self) else {
      throw error("invalid UTF-8 in a string")
    }
    return text
  }

  private mutating func parseNumber() throws -> JSONValue {
    let start = index
    var isInteger = true
    _ = consume("-")
    let digits = consumeDigits()
    guard digits > 0, digits == 1 || bytes[index - digits] != UInt8(ascii: "0") else {
      throw error("expected a value")
    }
    if consume(".") {
      isInteger = false
      guard consumeDigits() > 0 else { throw error("expected a digit after '.'") }
    }
    if consume("e") || consume("E") {
      isInteger = false
      _ = consume("+") || consume("-")
      guard consumeDigits() > 0 else { throw error("expected a digit in the exponent") }
    }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    if isInteger, let value = Int64(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else { throw error("number out of range") }
    return .number(value)
  }

  private mutating func consumeDigits() -> Int {
    let start = index
    while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
    return index - start
  }

  private mutating func parseLiteral(_ text: StaticString, _ value: JSONValue) throws -> JSONValue {
    let expected = Array(text.description.utf8)
    guard bytes[index...].starts(with: expected) else { throw error("expected a value") }
    index += expected.count
    return value
  }

  private mutating func consume(_ scalar: Unicode.Scalar) -> Bool {
    guard index < bytes.count, bytes[index] == UInt8(ascii: scalar) else { return false }
    index += 1
    return true
  }

  private mutating func skipWhitespace() {
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x09, 0x0A, 0x0D: index += 1
      default: return
      }
    }
  }

  private func error(_ message: String) -> JSONError { JSONError(message: message, offset: index) }
}
