/// Filters that make or take numbers.
extension TemplateFilters {
  static let numbers: [String: Filter] = [
    "abs": { _, value, _ in
      switch value {
      case .integer, .bool:
        let number = value.index ?? 0
        return number < 0 ? try TemplateOperators.negate(.integer(number)) : .integer(number)
      case .number(let number): return .number(number.magnitude)
      default:
        throw TemplateFault.runtime("bad operand type for abs(): '\(value.typeName)'")
      }
    },
    "int": { _, value, arguments in
      let values = try arguments.bind("int", ["default", "base"])
      if let number = try parseInteger(value, base: integer(values[1], default: 10)) {
        return .integer(number)
      }
      return values[0] ?? .integer(0)
    },
    "float": { _, value, arguments in
      let values = try arguments.bind("float", ["default"])
      return try parseNumber(value).map { .number($0) } ?? values[0] ?? .number(0)
    },
    "round": round,
    "sum": { interpreter, value, arguments in
      let values = try arguments.bind("sum", ["attribute", "start"])
      var total = values[1] ?? .integer(0)
      if case .string = total {
        throw TemplateFault.runtime("sum() can't sum strings [use ''.join(seq) instead]")
      }
      for element in try interpreter.elements(of: value) {
        try interpreter.meter.step()
        let term = try interpreter.pathAttribute(values[0] ?? .none, of: element)
        total = try TemplateOperators.apply(.add, total, term, interpreter)
      }
      return total
    },
    "filesizeformat": { _, value, arguments in
      let isBinary = try arguments.bind("filesizeformat", ["binary"])[0]?.isTrue ?? false
      guard let number = try parseNumber(value) else {
        throw TemplateFault.runtime("could not convert to float")
      }
      return .text(fileSize(number, isBinary: isBinary))
    },
  ]

  private static func fileSize(_ bytes: Double, isBinary: Bool) -> String {
    let base: Double = isBinary ? 1024 : 1000
    if bytes == 1 { return "1 Byte" }
    if bytes < base { return "\(Int(exactly: bytes.rounded(.towardZero)) ?? 0) Bytes" }
    var unit = base
    var text = ""
    for prefix in ["k", "M", "G", "T", "P", "E", "Z", "Y"] {
      unit *= base
      let name = isBinary ? prefix.uppercased() + "iB" : prefix + "B"
      text = TemplateDecimal(base * bytes / unit).fixed(1) + " " + name
      if bytes < unit { break }
    }
    return text
  }

  // MARK: Conversions

  /// Python's `int`, then `int(float(...))`; nil where neither works.
  static func parseInteger(_ value: TemplateValue, base: Int) throws -> Int? {
    switch value {
    case .undefined(let undefined): throw undefined.fault
    case .bool, .integer: return value.index
    case .number(let number):
      if number.isNaN { return nil }
      guard number.isFinite else {
        throw TemplateFault.runtime("cannot convert float infinity to integer")
      }
      guard let integer = Int(exactly: number.rounded(.towardZero)) else {
        throw TemplateFault.runtime("integer out of range")
      }
      return integer
    case .string(let text):
      if let integer = try parseInteger(text, base: base) { return integer }
      guard let number = parseNumber(text), number.isFinite else { return nil }
      return try parseInteger(.number(number), base: 10)
    default: return nil
    }
  }

  private static func parseInteger(_ text: TemplateText, base: Int) throws -> Int? {
    guard base == 0 || (2...36).contains(base) else { return nil }
    var digits = trimmed(text)[...]
    var sign = ""
    if let first = digits.first, first == "-" || first == "+" {
      sign = String(digits.removeFirst())
    }
    var radix = base
    let prefixes: [String: Int] = ["0x": 16, "0o": 8, "0b": 2]
    if let prefix = prefixes[digits.prefix(2).lowercased()], base == 0 || base == prefix {
      radix = prefix
      digits = digits.dropFirst(2)
      if digits.first == "_" { digits.removeFirst() }
    } else if base == 0 {
      radix = 10
      if digits.first == "0", digits.contains(where: { $0 != "0" && $0 != "_" }) { return nil }
    }
    guard let plain = ungrouped(digits), plain.utf8.allSatisfy({ isDigit($0, radix) }) else {
      return nil
    }
    guard let integer = Int((sign == "-" ? "-" : "") + plain, radix: radix) else {
      throw TemplateFault.runtime("integer out of range")
    }
    return integer
  }

  private static func isDigit(_ byte: UInt8, _ radix: Int) -> Bool {
    switch byte {
    case 0x30...0x39: Int(byte) - 0x30 < radix
    case 0x41...0x5A: Int(byte) - 0x41 + 10 < radix
    case 0x61...0x7A: Int(byte) - 0x61 + 10 < radix
    default: false
    }
  }

  private static func trimmed(_ text: TemplateText) -> String {
    let start = text.bytes.skippingWhitespace(from: 0)
    let end = text.bytes.droppingWhitespace(before: text.bytes.count, downTo: start)
    return String(decoding: text.bytes[start..<end], as: UTF8.self)
  }

  /// Digits without the single underscores that may stand between them; nil if there are others.
  private static func ungrouped(_ digits: Substring) -> String? {
    guard !digits.isEmpty, digits.first != "_", digits.last != "_", !digits.contains("__") else {
      return nil
    }
    return String(digits.filter { $0 != "_" })
  }

  /// Python's `float`; nil where it fails.
  static func parseNumber(_ value: TemplateValue) throws -> Double? {
    switch value {
    case .undefined(let undefined): throw undefined.fault
    case .string(let text): return parseNumber(text)
    default: return TemplateOperators.Number(value)?.double
    }
  }

  private static func parseNumber(_ text: TemplateText) -> Double? {
    let body = trimmed(text).lowercased()
    let unsigned = body.first == "-" || body.first == "+" ? body.dropFirst() : body[...]
    let sign: Double = body.first == "-" ? -1 : 1
    if unsigned == "inf" || unsigned == "infinity" { return sign * .infinity }
    if unsigned == "nan" { return .nan }
    let allowed = "0123456789.e+-_"
    guard unsigned.first.map({ $0.isNumber || $0 == "." }) == true,
      unsigned.allSatisfy({ allowed.contains($0) }), hasGroups(unsigned)
    else { return nil }
    var plain = unsigned.filter { $0 != "_" }
    // Swift's parser wants digits on both sides of the point.
    if plain.first == "." { plain = "0" + plain }
    if let point = plain.firstIndex(of: "."),
      plain.index(after: point) == plain.endIndex || plain[plain.index(after: point)] == "e"
    {
      plain.insert("0", at: plain.index(after: point))
      if unsigned == "." || unsigned.hasPrefix(".e") { return nil }
    }
    return Double(plain).map { sign * $0 }
  }

  /// Whether every underscore stands between digits.
  private static func hasGroups(_ text: Substring) -> Bool {
    let bytes = Array(text.utf8)
    for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "_") {
      guard index > 0, index + 1 < bytes.count, (0x30...0x39).contains(bytes[index - 1]),
        (0x30...0x39).contains(bytes[index + 1])
      else { return false }
    }
    return true
  }

  // MARK: Rounding

  private static let round: Filter = { interpreter, value, arguments in
    let values = try arguments.bind("round", ["precision", "method"])
    let precision = try integer(values[0], default: 0)
    let method = try values[1].map { try plainText($0, interpreter).string } ?? "common"
    guard ["common", "ceil", "floor"].contains(method) else {
      throw TemplateFault.runtime("method must be common, ceil or floor")
    }
    if case .undefined(let undefined) = value { throw undefined.fault }
    guard let number = TemplateOperators.Number(value) else {
      throw TemplateFault.runtime("type \(value.typeName) doesn't define __round__ method")
    }
    if method == "common" {
      if case .integer(let integer) = number { return .integer(try round(integer, precision)) }
      return .number(round(number.double, precision))
    }
    let scale = try TemplateOperators.apply(.power, .integer(10), .integer(precision), interpreter)
    let scaled = try TemplateOperators.apply(.multiply, value, scale, interpreter)
    guard let product = TemplateOperators.Number(scaled)?.double, product.isFinite else {
      throw TemplateFault.runtime("cannot round infinity or NaN")
    }
    // Adding zero makes negative zero positive, as the integers between have no sign.
    let rounded = product.rounded(method == "ceil" ? .up : .down) + 0
    return try TemplateOperators.apply(.divide, .number(rounded), scale, interpreter)
  }

  private static func round(_ value: Double, _ precision: Int) -> Double {
    guard value.isFinite, precision < 400 else { return value }
    if precision < -400 { return value < 0 ? -0.0 : 0 }
    if precision >= 0 {
      let text = TemplateDecimal(value).fixed(precision)
      return (value.sign == .minus ? -1 : 1) * (Double(text) ?? value)
    }
    let scaled = TemplateDecimal(value).rounded(toPowerOfTen: -precision)
    return (value.sign == .minus ? -1 : 1) * scaled
  }

  /// Rounds half to even at a power of ten.
  private static func round(_ value: Int, _ precision: Int) throws -> Int {
    if precision >= 0 { return value }
    if precision < -18 { return 0 }
    let unit = (0..<(-precision)).reduce(1) { product, _ in product * 10 }
    let remainder = ((value % unit) + unit) % unit
    let (low, overflow) = value.subtractingReportingOverflow(remainder)
    if overflow { throw TemplateFault.runtime("integer out of range") }
    let isOdd = low / unit % 2 != 0
    let roundsUp = remainder > unit - remainder || remainder == unit - remainder && isOdd
    let (result, isTooLarge) = low.addingReportingOverflow(roundsUp ? unit : 0)
    if isTooLarge { throw TemplateFault.runtime("integer out of range") }
    return result
  }
}
