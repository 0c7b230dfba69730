/// Python's `%` operator on strings.
struct TemplatePercentFormat {
  private let interpreter: TemplateInterpreter
  private let format: [UInt8]
  private let escapes: Bool
  private var index = 0
  private var result: [UInt8] = []
  private var values: ArraySlice<TemplateValue>
  private let mapping: TemplateValue?

  static func apply(
    _ format: TemplateText, _ value: TemplateValue, _ interpreter: TemplateInterpreter
  ) throws -> TemplateValue {
    var formatter = TemplatePercentFormat(format, value, interpreter)
    try formatter.run()
    try interpreter.meter.makeText(formatter.result.count)
    return .string(format.with(formatter.result))
  }

  private init(
    _ format: TemplateText, _ value: TemplateValue, _ interpreter: TemplateInterpreter
  ) {
    self.interpreter = interpreter
    self.format = format.bytes
    escapes = format.isMarkup
    switch value {
    case .tuple(let list):
      values = list.elements[...]
      mapping = nil
    case .dictionary, .list, .undefined, .range:
      values = [value]
      mapping = value
    default:
      values = [value]
      mapping = nil
    }
  }

  private var meter: TemplateMeter { interpreter.meter }

  private mutating func run() throws {
    while index < format.count {
      guard format[index] == UInt8(ascii: "%") else {
        result.append(format[index])
        index += 1
        continue
      }
      index += 1
      try meter.step()
      try formatField()
      if result.count > meter.textLimit { try meter.makeText(result.count) }
    }
    if mapping == nil, !values.isEmpty {
      throw TemplateFault.runtime("not all arguments converted during string formatting")
    }
  }

  private mutating func next() throws -> UInt8 {
    guard index < format.count else { throw TemplateFault.runtime("incomplete format") }
    defer { index += 1 }
    return format[index]
  }

  private mutating func nextValue() throws -> TemplateValue {
    guard let value = values.popFirst() else {
      throw TemplateFault.runtime("not enough arguments for format string")
    }
    return value
  }

  private mutating func formatField() throws {
    var keyed: TemplateValue?
    if index < format.count, format[index] == UInt8(ascii: "(") {
      keyed = try lookUp()
    }
    var field = TemplateField()
    var isLeft = false
    while index < format.count, "-+ #0".utf8.contains(format[index]) {
      switch format[index] {
      case UInt8(ascii: "-"): isLeft = true
      case UInt8(ascii: "+"): field.sign = "+"
      case UInt8(ascii: " "): if field.sign.isEmpty { field.sign = " " }
      case UInt8(ascii: "#"): field.isAlternate = true
      default:
        field.fill = [0x30]
        field.alignment = .inside
      }
      index += 1
    }
    field.width = try count() ?? 0
    if field.width < 0 {
      isLeft = true
      field.width = field.width == Int.min ? Int.max : -field.width
    }
    if index < format.count, format[index] == UInt8(ascii: ".") {
      index += 1
      field.precision = max(0, try count() ?? 0)
    }
    while index < format.count, "hlL".utf8.contains(format[index]) { index += 1 }
    if isLeft {
      field.alignment = .left
      field.fill = [0x20]
    }
    let type = Character(Unicode.Scalar(try next()))
    if type == "%" {
      result.append(UInt8(ascii: "%"))
      return
    }
    let value = try keyed ?? nextValue()
    result += try convert(value, as: type, field).bytes
  }

  private mutating func lookUp() throws -> TemplateValue {
    guard case .dictionary(let dictionary)? = mapping else {
      throw TemplateFault.runtime("format requires a mapping")
    }
    let start = index + 1
    var level = 0
    while true {
      let byte = try next()
      if byte == UInt8(ascii: "(") { level += 1 }
      if byte == UInt8(ascii: ")") { level -= 1 }
      if level == 0 { break }
    }
    let key = TemplateText(Array(format[start..<(index - 1)]))
    guard let value = dictionary[key.bytes] else {
      throw TemplateFault.runtime("no key '\(key.string)'")
    }
    return value
  }

  /// A width or a precision: digits, or `*` for the next value.
  private mutating func count() throws -> Int? {
    if index < format.count, format[index] == UInt8(ascii: "*") {
      index += 1
      guard case .integer(let count) = try nextValue() else {
        throw TemplateFault.runtime("* wants int")
      }
      return count
    }
    var count: Int?
    while index < format.count, (0x30...0x39).contains(format[index]) {
      let digit = Int(format[index]) - 0x30
      guard let value = count, value > 1 << 40 else {
        count = (count ?? 0) * 10 + digit
        index += 1
        continue
      }
      throw TemplateFault.runtime("width too big")
    }
    return count
  }

  private func convert(
    _ value: TemplateValue, as type: Character, _ field: TemplateField
  ) throws -> TemplateText {
    switch type {
    case "s", "r", "a":
      var text =
        try type == "s"
        ? TemplatePrinter.text(value, meter) : TemplatePrinter.representation(value, meter)
      if escapes { text = TemplateText(try TemplateOperators.escaped(text, meter).bytes) }
      if let precision = field.precision { text = text.slice(0, precision) }
      var field = field
      if field.alignment == .inside {
        field.alignment = .right
        field.fill = [0x20]
      }
      return try field.laid(text, default: .right, meter)
    case "c": return try field.laid(character(value), default: .right, meter)
    case "d", "i", "u": return try field.laid(integer(value), as: "d", meter)
    case "x", "X", "o":
      guard let integer = value.index else {
        throw TemplateFault.runtime(
          "%\(type) format: an integer is required, not \(value.typeName)")
      }
      return try field.laid(integer, as: type, meter)
    case "e", "E", "f", "F", "g", "G":
      if case .undefined(let undefined) = value { throw undefined.fault }
      guard let number = TemplateOperators.Number(value) else {
        throw TemplateFault.runtime("must be real number, not \(value.typeName)")
      }
      return try field.laid(number.double, as: type, meter)
    default: throw TemplateFault.runtime("unsupported format character '\(type)'")
    }
  }

  private func integer(_ value: TemplateValue) throws -> Int {
    if case .undefined(let undefined) = value { throw undefined.fault }
    if case .string = value {
      throw TemplateFault.runtime("%d format: a real number is required, not \(value.typeName)")
    }
    guard let integer = try TemplateFilters.parseInteger(value, base: 10) else {
      throw TemplateFault.runtime("%d format: a real number is required, not \(value.typeName)")
    }
    return integer
  }

  private func character(_ value: TemplateValue) throws -> TemplateText {
    if case .string(let text) = value, text.count == 1 { return text }
    if let index = value.index, let scalar = UInt32(exactly: index).flatMap(Unicode.Scalar.init) {
      return TemplateText(scalar)
    }
    throw TemplateFault.runtime("%c requires int or char")
  }
}
