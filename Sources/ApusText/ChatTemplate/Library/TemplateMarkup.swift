/// The filters that know HTML and URLs.
enum TemplateMarkup {
  /// The text without tags and comments, spaces collapsed, the common entities decoded.
  static func stripTags(_ text: TemplateText, _ meter: TemplateMeter) throws -> TemplateText {
    var bytes: [UInt8] = []
    var position = 0
    while let start = try text.find([UInt8(ascii: "<")], from: position, meter) {
      try meter.step()
      let isComment = text.bytes[start...].starts(with: "<!--".utf8)
      let close = isComment ? Array("-->".utf8) : [UInt8(ascii: ">")]
      guard let end = try text.find(close, from: isComment ? start + 4 : start, meter) else {
        break
      }
      bytes += text.bytes[position..<start]
      position = end + close.count
    }
    bytes += text.bytes[position...]
    try meter.makeText(bytes.count)
    return TemplateText(decodeEntities(collapseSpaces(bytes)))
  }

  private static func collapseSpaces(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var index = bytes.skippingWhitespace(from: 0)
    while index < bytes.count {
      let next = bytes.skippingWhitespace(from: index)
      if next > index {
        if next < bytes.count { result.append(0x20) }
        index = next
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return result
  }

  private static let entities: [String: String] = [
    "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": "\u{A0}",
  ]

  private static func decodeEntities(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "&"),
        let end = bytes[index...].prefix(12).firstIndex(of: UInt8(ascii: ";")),
        let text = decode(String(decoding: bytes[(index + 1)..<end], as: UTF8.self))
      {
        result += Array(text.utf8)
        index = end + 1
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return result
  }

  private static func decode(_ entity: String) -> String? {
    guard entity.hasPrefix("#") else { return entities[entity] }
    let digits = entity.dropFirst()
    let isHex = digits.first == "x" || digits.first == "X"
    let value = isHex ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
    return value.flatMap(Unicode.Scalar.init).map { String($0) }
  }

  // MARK: URLs

  /// Quotes a text for a path, or pairs for a query.
  static func encodeURL(
    _ value: TemplateValue, _ interpreter: TemplateInterpreter
  ) throws -> TemplateValue {
    var pairs: [TemplateValue]
    switch value {
    case .dictionary(let dictionary): pairs = try dictionary.items()
    case .string, .none, .bool, .integer, .number, .namespace, .function:
      return .text(try quoted(value, isQuery: false, interpreter))
    default: pairs = try interpreter.elements(of: value)
    }
    var bytes: [UInt8] = []
    for pair in pairs {
      let parts = try interpreter.elements(of: pair)
      guard parts.count == 2 else {
        throw TemplateFault.runtime("urlencode takes pairs")
      }
      if !bytes.isEmpty { bytes.append(UInt8(ascii: "&")) }
      bytes += try quoted(parts[0], isQuery: true, interpreter)
      bytes.append(UInt8(ascii: "="))
      bytes += try quoted(parts[1], isQuery: true, interpreter)
    }
    try interpreter.meter.makeText(bytes.count)
    return .text(bytes)
  }

  private static func quoted(
    _ value: TemplateValue, isQuery: Bool, _ interpreter: TemplateInterpreter
  ) throws -> [UInt8] {
    let text = try TemplatePrinter.text(value, interpreter.meter)
    try interpreter.meter.makeText(text.bytes.count, times: 3)
    let hex = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.bytes {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
        UInt8(ascii: "-"), UInt8(ascii: "~"):
        bytes.append(byte)
      case UInt8(ascii: "/") where !isQuery: bytes.append(byte)
      case 0x20 where isQuery: bytes.append(UInt8(ascii: "+"))
      default: bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
      }
    }
    return bytes
  }

  // MARK: Attributes

  /// The attributes of a tag.
  static func attributes(
    _ value: TemplateValue, spaced: Bool, _ interpreter: TemplateInterpreter
  ) throws -> TemplateValue {
    guard case .dictionary(let dictionary) = value else {
      if case .undefined(let undefined) = value { throw undefined.fault }
      throw TemplateFault.runtime("'\(value.typeName)' object has no attribute 'items'")
    }
    let meter = interpreter.meter
    var parts: [TemplateText] = []
    for (key, value) in dictionary.entries where !value.isNone && !value.isUndefined {
      let name = try TemplateStringMethods.text(key, "xmlattr")
      if name.bytes.contains(where: {
        $0 <= 0x20 && [UInt8]([$0]).whitespaceLength(at: 0) > 0 || "/>=".utf8.contains($0)
      }) {
        throw TemplateFault.runtime("Invalid character in attribute name: '\(name.string)'")
      }
      let text = try TemplateFilters.softText(value, interpreter)
      let escaped = try TemplateOperators.escaped(text, meter).bytes
      parts.append(
        TemplateText(
          try TemplateOperators.escaped(name, meter).bytes + Array("=\"".utf8) + escaped + [0x22]))
    }
    let joined = try TemplateStringMethods.joined(parts, TemplateText(" "), meter)
    return .text(spaced && !joined.isEmpty ? [0x20] + joined : joined)
  }
}
