import ApusCore

/// The `tojson` filter as Hugging Face defines it: Python's `json.dumps` without escapes for HTML.
struct TemplateJSONWriter {
  private var bytes: [UInt8] = []
  private var level = 0
  private let meter: TemplateMeter
  private let isASCII: Bool
  private let sortsKeys: Bool
  /// What a level is indented by; nil for everything in one line.
  private let indent: [UInt8]?
  private let itemSeparator: [UInt8]
  private let keySeparator: [UInt8]

  init(
    _ meter: TemplateMeter, isASCII: Bool, sortsKeys: Bool, indent: [UInt8]?,
    separators: (item: [UInt8], key: [UInt8])?
  ) {
    self.meter = meter
    self.isASCII = isASCII
    self.sortsKeys = sortsKeys
    self.indent = indent
    itemSeparator = separators?.item ?? Array((indent == nil ? ", " : ",").utf8)
    keySeparator = separators?.key ?? Array(": ".utf8)
  }

  mutating func text(of value: TemplateValue) throws -> TemplateText {
    try write(value)
    try meter.makeText(bytes.count)
    return TemplateText(bytes)
  }

  private mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func write(_ value: TemplateValue) throws {
    try meter.step()
    if bytes.count > meter.textLimit { try meter.makeText(bytes.count) }
    switch value {
    case .none: append("null")
    case .bool(let value): append(value ? "true" : "false")
    case .integer(let value): append(String(value))
    case .number(let value): append(Self.text(of: value))
    case .string(let text): try write(text)
    case .list(let list), .tuple(let list):
      try writeContainer("[", "]", count: list.elements.count) {
        try $0.write(list.elements[$1])
      }
    case .dictionary(let dictionary):
      let entries = try sortsKeys ? sorted(dictionary.entries) : dictionary.entries
      try writeContainer("{", "}", count: entries.count) {
        try $0.writeKey(entries[$1].key)
        $0.bytes.append(contentsOf: $0.keySeparator)
        try $0.write(entries[$1].value)
      }
    default:
      throw TemplateFault.runtime("Object of type \(value.typeName) is not JSON serializable")
    }
  }

  private func sorted(
    _ entries: [(key: TemplateValue, value: TemplateValue)]
  ) throws -> [(key: TemplateValue, value: TemplateValue)] {
    let order = try TemplateOperators.sortedOrder(of: entries.map(\.key), meter)
    return order.map { entries[$0] }
  }

  private static func text(of number: Double) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
    return TemplateDecimal.representation(of: number)
  }

  private mutating func writeContainer(
    _ open: String, _ close: String, count: Int,
    element: (inout TemplateJSONWriter, Int) throws -> Void
  ) throws {
    append(open)
    level += 1
    for index in 0..<count {
      if index > 0 { bytes.append(contentsOf: itemSeparator) }
      try breakLine()
      try element(&self, index)
    }
    level -= 1
    if count > 0 { try breakLine() }
    append(close)
  }

  private mutating func breakLine() throws {
    guard let indent else { return }
    try meter.allocate(indent.count * level)
    bytes.append(0x0A)
    for _ in 0..<level { bytes.append(contentsOf: indent) }
  }

  private mutating func writeKey(_ key: TemplateValue) throws {
    switch key {
    case .string(let text): try write(text)
    case .none: append("\"null\"")
    case .bool(let value): append(value ? "\"true\"" : "\"false\"")
    case .integer(let value): append("\"\(value)\"")
    case .number(let value): append("\"" + Self.text(of: value) + "\"")
    default:
      throw TemplateFault.runtime(
        "keys must be str, int, float, bool or None, not \(key.typeName)")
    }
  }

  private mutating func write(_ text: TemplateText) throws {
    try meter.allocate(text.bytes.count)
    append("\"")
    if isASCII && !text.isASCII {
      for unit in text.string.utf16 {
        if unit < 0x80 { writeByte(UInt8(unit)) } else { writeEscape(unit) }
      }
    } else {
      for byte in text.bytes { writeByte(byte) }
    }
    append("\"")
  }

  private mutating func writeByte(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): append("\\\"")
    case UInt8(ascii: "\\"): append("\\\\")
    case 0x0A: append("\\n")
    case 0x0D: append("\\r")
    case 0x09: append("\\t")
    case 0x0C: append("\\f")
    case 0x08: append("\\b")
    case 0..<0x20: writeEscape(UInt16(byte))
    default: bytes.append(byte)
    }
  }

  private mutating func writeEscape(_ unit: UInt16) {
    let digits = String(unit, radix: 16)
    append("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
  }
}

extension TemplateValue {
  /// Makes a value of JSON; throws where it nests too deep.
  init(_ json: JSONValue, _ meter: TemplateMeter, depth: Int = 0) throws {
    if depth > TemplateMeter.valueDepthLimit { _ = try TemplateList.deeper(depth) }
    switch json {
    case .null: self = .none
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .integer(Int(value))
    case .number(let value): self = .number(value)
    case .string(let text): self = .text(text)
    case .array(let elements):
      self = .list(
        try TemplateList(elements.map { try TemplateValue($0, meter, depth: depth + 1) }))
    case .object(let object):
      self = .dictionary(
        try TemplateDictionary(
          object.entries.map {
            (.text($0.key), try TemplateValue($0.value, meter, depth: depth + 1))
          }, meter))
    }
  }
}

extension JSONValue {
  /// About the bytes of the value, to which the limits of a render are proportional.
  func size(depth: Int = 0) -> Int {
    guard depth <= TemplateMeter.valueDepthLimit else { return 0 }
    switch self {
    case .null, .bool, .integer, .number: return 16
    case .string(let text): return 16 + text.utf8.count
    case .array(let elements):
      return elements.reduce(16) { $0 + $1.size(depth: depth + 1) }
    case .object(let object):
      return object.entries.reduce(16) {
        $0 + 16 + $1.key.utf8.count + $1.value.size(depth: depth + 1)
      }
    }
  }
}
