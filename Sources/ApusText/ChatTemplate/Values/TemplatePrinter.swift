/// Writes values as Python's `str` and `repr` do.
struct TemplatePrinter {
  private var bytes: [UInt8] = []
  private let meter: TemplateMeter
  private var depth = 0

  private init(_ meter: TemplateMeter) {
    self.meter = meter
  }

  /// Python's `str(value)`.
  static func text(_ value: TemplateValue, _ meter: TemplateMeter) throws -> TemplateText {
    switch value {
    case .undefined: .empty
    case .string(let text): TemplateText(text.bytes)
    default: try representation(value, meter)
    }
  }

  /// Python's `repr(value)`.
  static func representation(
    _ value: TemplateValue, _ meter: TemplateMeter
  ) throws -> TemplateText {
    var printer = TemplatePrinter(meter)
    try printer.write(value)
    try meter.makeText(printer.bytes.count)
    return TemplateText(printer.bytes)
  }

  private mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func write(_ value: TemplateValue) throws {
    try meter.step()
    if bytes.count > meter.textLimit { try meter.makeText(bytes.count) }
    switch value {
    case .undefined: append("Undefined")
    case .none: append("None")
    case .bool(let value): append(value ? "True" : "False")
    case .integer(let value): append(String(value))
    case .number(let value): append(TemplateDecimal.representation(of: value))
    case .string(let text): try write(text)
    case .list(let list): try write(list.elements, "[", "]")
    case .tuple(let list): try write(list.elements, "(", list.elements.count == 1 ? ",)" : ")")
    case .dictionary(let dictionary): try write(dictionary.entries)
    case .view(let view): try write(try view.elements(), view.kind.rawValue + "([", "])")
    case .range(let range):
      append("range(\(range.start), \(range.stop)\(range.step == 1 ? "" : ", \(range.step)"))")
    case .iterator: append("<generator object>")
    case .namespace(let namespace): try write(namespace)
    case .loop(let loop): append("<LoopContext \(loop.index + 1)/\(loop.elements.count)>")
    case .function(let function):
      append("<\(function.typeName) ")
      append(function.name.isEmpty ? "anonymous" : "'\(function.name)'")
      append(">")
    }
  }

  private mutating func write(
    _ elements: [TemplateValue], _ open: String, _ close: String
  ) throws {
    append(open)
    for (index, element) in elements.enumerated() {
      if index > 0 { append(", ") }
      try write(element)
    }
    append(close)
  }

  private mutating func write(_ entries: [(key: TemplateValue, value: TemplateValue)]) throws {
    append("{")
    for (index, entry) in entries.enumerated() {
      if index > 0 { append(", ") }
      try write(entry.key)
      append(": ")
      try write(entry.value)
    }
    append("}")
  }

  /// Namespaces are the only values that can hold themselves.
  private mutating func write(_ namespace: TemplateNamespace) throws {
    guard depth < 8 else { throw TemplateFault.limit("namespaces nested deeper than 8") }
    depth += 1
    append("<Namespace ")
    try write(namespace.names.map { (.text($0), namespace[$0] ?? .none) })
    append(">")
    depth -= 1
  }

  private mutating func write(_ text: TemplateText) throws {
    try meter.allocate(text.bytes.count)
    let hasSingle = text.bytes.contains(UInt8(ascii: "'"))
    let quote: Unicode.Scalar =
      hasSingle && !text.bytes.contains(UInt8(ascii: "\"")) ? "\"" : "'"
    if text.isMarkup { append("Markup(") }
    bytes.append(UInt8(ascii: quote))
    for scalar in text.scalars { writeEscaped(scalar, quote: quote) }
    bytes.append(UInt8(ascii: quote))
    if text.isMarkup { append(")") }
  }

  private mutating func writeEscaped(_ scalar: Unicode.Scalar, quote: Unicode.Scalar) {
    switch scalar {
    case quote, "\\": append("\\" + String(scalar))
    case "\n": append("\\n")
    case "\r": append("\\r")
    case "\t": append("\\t")
    case " "..."~": bytes.append(UInt8(scalar.value))
    default:
      if scalar.isPythonPrintable {
        append(String(scalar))
      } else {
        append(Self.escape(scalar.value))
      }
    }
  }

  private static func escape(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    let (mark, width) = value < 0x100 ? ("x", 2) : value < 0x10000 ? ("u", 4) : ("U", 8)
    return "\\" + mark + String(repeating: "0", count: width - digits.count) + digits
  }
}
