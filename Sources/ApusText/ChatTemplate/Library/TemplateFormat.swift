/// Python's `str.format`.
struct TemplateFormat {
  private let interpreter: TemplateInterpreter
  private let arguments: TemplateCallArguments
  private var nextPosition = 0
  private var isManual = false

  static func apply(
    _ format: TemplateText, _ arguments: TemplateCallArguments, _ interpreter: TemplateInterpreter
  ) throws -> TemplateText {
    var formatter = TemplateFormat(interpreter: interpreter, arguments: arguments)
    let bytes = try formatter.expand(format.bytes, level: 2, escapes: format.isMarkup)
    try interpreter.meter.makeText(bytes.count)
    return format.with(bytes)
  }

  private init(interpreter: TemplateInterpreter, arguments: TemplateCallArguments) {
    self.interpreter = interpreter
    self.arguments = arguments
  }

  private var meter: TemplateMeter { interpreter.meter }

  private mutating func expand(_ format: [UInt8], level: Int, escapes: Bool) throws -> [UInt8] {
    guard level >= 0 else { throw TemplateFault.runtime("Max string recursion exceeded") }
    let (open, close) = (UInt8(ascii: "{"), UInt8(ascii: "}"))
    var result: [UInt8] = []
    var index = 0
    while index < format.count {
      let byte = format[index]
      index += 1
      guard byte == open || byte == close else {
        result.append(byte)
        continue
      }
      if index < format.count, format[index] == byte {
        result.append(byte)
        index += 1
        continue
      }
      guard byte == open else {
        throw TemplateFault.runtime("Single '}' encountered in format string")
      }
      let end = try fieldEnd(format, from: index)
      try meter.step()
      let text = try self.field(Array(format[index..<end]), level: level)
      result += try escapes ? TemplateOperators.escaped(text, meter).bytes : text.bytes
      if result.count > meter.textLimit { try meter.makeText(result.count) }
      index = end + 1
    }
    return result
  }

  private func fieldEnd(_ format: [UInt8], from start: Int) throws -> Int {
    var level = 1
    for index in start..<format.count {
      if format[index] == UInt8(ascii: "{") { level += 1 }
      if format[index] == UInt8(ascii: "}") { level -= 1 }
      if level == 0 { return index }
    }
    throw TemplateFault.runtime("expected '}' before end of string")
  }

  private mutating func field(_ field: [UInt8], level: Int) throws -> TemplateText {
    let end =
      field.firstIndex { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "!") } ?? field.count
    var value = try self.value(String(decoding: field[..<end], as: UTF8.self))
    var rest = field[end...]
    if rest.first == UInt8(ascii: "!") {
      guard rest.count >= 2 else { throw TemplateFault.runtime("missing conversion") }
      switch rest[rest.startIndex + 1] {
      case UInt8(ascii: "s"): value = .string(try TemplatePrinter.text(value, meter))
      case UInt8(ascii: "r"), UInt8(ascii: "a"):
        value = .string(try TemplatePrinter.representation(value, meter))
      default: throw TemplateFault.runtime("Unknown conversion specifier")
      }
      rest = rest.dropFirst(2)
    }
    guard rest.first == UInt8(ascii: ":") else {
      guard rest.isEmpty else { throw TemplateFault.runtime("expected ':' after conversion") }
      return try format(value, "")
    }
    let specification = try expand(Array(rest.dropFirst()), level: level - 1, escapes: false)
    return try format(value, String(decoding: specification, as: UTF8.self))
  }

  // MARK: Values

  private mutating func value(_ path: String) throws -> TemplateValue {
    let end = path.firstIndex { $0 == "." || $0 == "[" } ?? path.endIndex
    var value = try argument(String(path[..<end]))
    var rest = path[end...]
    while let mark = rest.popFirst() {
      if mark == "." {
        let end = rest.firstIndex { $0 == "." || $0 == "[" } ?? rest.endIndex
        let name = String(rest[..<end])
        if name.isEmpty { throw TemplateFault.runtime("Empty attribute in format string") }
        value = try interpreter.attribute(name, Array(name.utf8), of: value)
        rest = rest[end...]
      } else {
        guard mark == "[", let end = rest.firstIndex(of: "]") else {
          throw TemplateFault.runtime("Missing ']' in format string")
        }
        let key = String(rest[..<end])
        value = try interpreter.item(Int(key).map { .integer($0) } ?? .text(key), of: value)
        rest = rest[rest.index(after: end)...]
      }
    }
    return value
  }

  private mutating func argument(_ name: String) throws -> TemplateValue {
    var position = Int(name)
    if name.isEmpty {
      if isManual {
        throw TemplateFault.runtime(
          "cannot switch from manual field specification to automatic field numbering")
      }
      position = nextPosition
      nextPosition += 1
    } else if position != nil {
      if nextPosition > 0 {
        throw TemplateFault.runtime(
          "cannot switch from automatic field numbering to manual field specification")
      }
      isManual = true
    }
    guard let position else {
      guard let value = arguments.keyword.last(where: { $0.name == name })?.value else {
        throw TemplateFault.runtime("no key '\(name)'")
      }
      return value
    }
    guard arguments.positional.indices.contains(position) else {
      throw TemplateFault.runtime(
        "Replacement index \(position) out of range for positional args tuple")
    }
    return arguments.positional[position]
  }

  // MARK: Specifications

  private func format(_ value: TemplateValue, _ specification: String) throws -> TemplateText {
    if specification.isEmpty { return try TemplatePrinter.text(value, meter) }
    let (field, type) = try Self.parse(specification)
    switch value {
    case .string(var text):
      guard type == nil || type == "s", field.sign.isEmpty, field.alignment != .inside else {
        throw TemplateFault.runtime("Unknown format code for object of type 'str'")
      }
      if let precision = field.precision { text = text.slice(0, precision) }
      return try field.laid(TemplateText(text.bytes), meter)
    case .integer, .bool:
      switch type {
      case nil where field.precision == nil, "d", "n", "b", "o", "x", "X":
        guard field.precision == nil else {
          throw TemplateFault.runtime("Precision not allowed in integer format specifier")
        }
        return try field.laid(value.index ?? 0, as: type ?? "d", meter)
      case "c": return try field.laid(character(value.index ?? 0), meter)
      default: return try format(Double(value.index ?? 0), field, type)
      }
    case .number(let number): return try format(number, field, type)
    default:
      throw TemplateFault.runtime(
        "unsupported format string passed to \(value.typeName).__format__")
    }
  }

  private func character(_ value: Int) throws -> TemplateText {
    guard let scalar = UInt32(exactly: value).flatMap(Unicode.Scalar.init) else {
      throw TemplateFault.runtime("%c arg not in range(0x110000)")
    }
    return TemplateText(scalar)
  }

  private func format(
    _ value: Double, _ field: TemplateField, _ type: Character?
  ) throws -> TemplateText {
    switch type {
    case "e", "E", "f", "F", "g", "G", "%": return try field.laid(value, as: type ?? "g", meter)
    case "n": return try field.laid(value, as: "g", meter)
    case nil:
      var text = TemplateDecimal.representation(of: value.magnitude)
      if let precision = field.precision, value.isFinite {
        try meter.makeText(precision)
        text = TemplateDecimal(value).general(precision)
        if !text.contains("."), !text.contains("e") {
          // One digit after the point, unless there is no place left for it.
          text =
            text.utf8.count < max(1, precision)
            ? text + ".0" : TemplateDecimal(value).exponential(max(0, precision - 1))
        }
      }
      return try field.laid(isNegative: value.sign == .minus, digits: text, meter)
    default:
      throw TemplateFault.runtime("Unknown format code for object of type 'float'")
    }
  }

  private static func parse(_ specification: String) throws -> (TemplateField, Character?) {
    var field = TemplateField()
    var scalars = specification.unicodeScalars[...]
    let alignments: [Unicode.Scalar: TemplateField.Alignment] = [
      "<": .left, ">": .right, "^": .center, "=": .inside,
    ]
    if let second = scalars.dropFirst().first, let alignment = alignments[second] {
      field.fill = Array(String(scalars.removeFirst()).utf8)
      field.alignment = alignment
      scalars.removeFirst()
    } else if let first = scalars.first, let alignment = alignments[first] {
      field.alignment = alignment
      scalars.removeFirst()
    }
    func skip(_ scalar: Unicode.Scalar) -> Bool {
      guard scalars.first == scalar else { return false }
      scalars.removeFirst()
      return true
    }
    if skip("+") { field.sign = "+" } else if skip(" ") { field.sign = " " } else { _ = skip("-") }
    _ = skip("z")
    field.isAlternate = skip("#")
    if skip("0"), field.alignment == nil {
      field.fill = [0x30]
      field.alignment = .inside
    }
    func number() throws -> Int? {
      var digits = ""
      while let digit = scalars.first, ("0"..."9").contains(digit) {
        digits.unicodeScalars.append(scalars.removeFirst())
      }
      if digits.utf8.count > 12 {
        throw TemplateFault.runtime("Too many decimal digits in format string")
      }
      return Int(digits)
    }
    field.width = try number() ?? 0
    if skip(",") { field.grouping = "," } else if skip("_") { field.grouping = "_" }
    if skip(".") {
      guard let precision = try number() else {
        throw TemplateFault.runtime("Format specifier missing precision")
      }
      field.precision = precision
    }
    let type = scalars.popFirst().map { Character($0) }
    guard scalars.isEmpty else { throw TemplateFault.runtime("Invalid format specifier") }
    return (field, type)
  }
}
