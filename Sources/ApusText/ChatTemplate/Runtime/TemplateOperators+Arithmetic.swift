#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

extension TemplateOperators {
  static func apply(
    _ operation: TemplateArithmetic, _ a: TemplateValue, _ b: TemplateValue,
    _ interpreter: TemplateInterpreter
  ) throws -> TemplateValue {
    if let x = Number(a), let y = Number(b) { return try apply(operation, x, y) }
    if case .remainder = operation, case .string(let format) = a {
      return try TemplatePercentFormat.apply(format, b, interpreter)
    }
    if case .undefined(let undefined) = a { throw undefined.fault }
    if case .undefined(let undefined) = b { throw undefined.fault }
    switch operation {
    case .add: return try add(a, b, interpreter.meter)
    case .multiply: return try multiply(a, b, interpreter.meter)
    default: throw unsupported(operation, a, b)
    }
  }

  private static func unsupported(
    _ operation: TemplateArithmetic, _ a: TemplateValue, _ b: TemplateValue
  ) -> TemplateFault {
    let symbol = operation == .power ? "** or pow()" : operation.rawValue
    return .runtime(
      "unsupported operand type(s) for \(symbol): '\(a.typeName)' and '\(b.typeName)'")
  }

  // MARK: Sequences

  private static func add(
    _ a: TemplateValue, _ b: TemplateValue, _ meter: TemplateMeter
  ) throws -> TemplateValue {
    switch (a, b) {
    case (.string(var a), .string(var b)):
      if a.isMarkup != b.isMarkup {
        if a.isMarkup { b = try escaped(b, meter) } else { a = try escaped(a, meter) }
      }
      try meter.makeText(a.bytes.count + b.bytes.count)
      return .string(TemplateText(a.bytes + b.bytes, isMarkup: a.isMarkup))
    case (.list(let a), .list(let b)):
      try meter.makeElements(a.elements.count + b.elements.count)
      return .list(try TemplateList(a.elements + b.elements))
    case (.tuple(let a), .tuple(let b)):
      try meter.makeElements(a.elements.count + b.elements.count)
      return .tuple(try TemplateList(a.elements + b.elements))
    case (.string, _):
      throw TemplateFault.runtime("can only concatenate str (not \"\(b.typeName)\") to str")
    case (.list, _):
      throw TemplateFault.runtime("can only concatenate list (not \"\(b.typeName)\") to list")
    case (.tuple, _):
      throw TemplateFault.runtime("can only concatenate tuple (not \"\(b.typeName)\") to tuple")
    default: throw unsupported(.add, a, b)
    }
  }

  private static func multiply(
    _ a: TemplateValue, _ b: TemplateValue, _ meter: TemplateMeter
  ) throws -> TemplateValue {
    guard let (sequence, count) = a.index.map({ (b, $0) }) ?? b.index.map({ (a, $0) }) else {
      throw unsupported(.multiply, a, b)
    }
    switch sequence {
    case .string(let text):
      try meter.makeText(text.bytes.count, times: count)
      return .string(text.with(repeated(text.bytes, count)))
    case .list(let list): return .list(try repeated(list, count, meter))
    case .tuple(let list): return .tuple(try repeated(list, count, meter))
    default: throw unsupported(.multiply, a, b)
    }
  }

  private static func repeated(
    _ list: TemplateList, _ count: Int, _ meter: TemplateMeter
  ) throws -> TemplateList {
    try meter.makeText(32 * list.elements.count, times: count)
    return try TemplateList(repeated(list.elements, count))
  }

  private static func repeated<Element>(_ elements: [Element], _ count: Int) -> [Element] {
    guard count > 0, !elements.isEmpty else { return [] }
    if elements.count == 1 { return Array(repeating: elements[0], count: count) }
    var result: [Element] = []
    result.reserveCapacity(elements.count * count)
    for _ in 0..<count { result += elements }
    return result
  }

  /// The text with the characters that HTML gives meaning replaced, marked safe.
  static func escaped(_ text: TemplateText, _ meter: TemplateMeter) throws -> TemplateText {
    if text.isMarkup { return text }
    var bytes: [UInt8] = []
    try meter.makeText(text.bytes.count)
    for byte in text.bytes {
      switch byte {
      case UInt8(ascii: "&"): bytes += Array("&amp;".utf8)
      case UInt8(ascii: "<"): bytes += Array("&lt;".utf8)
      case UInt8(ascii: ">"): bytes += Array("&gt;".utf8)
      case UInt8(ascii: "'"): bytes += Array("&#39;".utf8)
      case UInt8(ascii: "\""): bytes += Array("&#34;".utf8)
      default: bytes.append(byte)
      }
    }
    try meter.makeText(bytes.count)
    return TemplateText(bytes, isMarkup: true)
  }

  // MARK: Numbers

  static func negate(_ value: TemplateValue) throws -> TemplateValue {
    if case .undefined(let undefined) = value { throw undefined.fault }
    guard let number = Number(value) else {
      throw TemplateFault.runtime("bad operand type for unary -: '\(value.typeName)'")
    }
    if case .number(let double) = number { return .number(-double) }
    return try apply(.subtract, .integer(0), number)
  }

  static func plus(_ value: TemplateValue) throws -> TemplateValue {
    if case .undefined(let undefined) = value { throw undefined.fault }
    guard let number = Number(value) else {
      throw TemplateFault.runtime("bad operand type for unary +: '\(value.typeName)'")
    }
    return try apply(.add, .integer(0), number)
  }

  private static let overflow = TemplateFault.runtime("integer out of range")

  private static func apply(
    _ operation: TemplateArithmetic, _ a: Number, _ b: Number
  ) throws -> TemplateValue {
    if case .integer(let a) = a, case .integer(let b) = b, operation != .divide {
      return try apply(operation, a, b)
    }
    let (x, y) = (a.double, b.double)
    switch operation {
    case .add: return .number(x + y)
    case .subtract: return .number(x - y)
    case .multiply: return .number(x * y)
    case .power: return .number(try power(x, y))
    case .divide, .floorDivide, .remainder:
      guard y != 0 else { throw TemplateFault.runtime("division by zero") }
      if operation == .divide { return .number(x / y) }
      var remainder = x.truncatingRemainder(dividingBy: y)
      if remainder != 0, (remainder < 0) != (y < 0) { remainder += y }
      if operation == .remainder {
        return .number(remainder == 0 ? Double(signOf: y, magnitudeOf: 0) : remainder)
      }
      let quotient = (x - remainder) / y
      if quotient == 0 { return .number(Double(signOf: x / y, magnitudeOf: 0)) }
      let floor = quotient.rounded(.down)
      return .number(quotient - floor > 0.5 ? floor + 1 : floor)
    }
  }

  private static func apply(_ operation: TemplateArithmetic, _ a: Int, _ b: Int) throws
    -> TemplateValue
  {
    let result: (partialValue: Int, overflow: Bool)
    switch operation {
    case .add: result = a.addingReportingOverflow(b)
    case .subtract: result = a.subtractingReportingOverflow(b)
    case .multiply: result = a.multipliedReportingOverflow(by: b)
    case .power: return try power(a, b)
    case .divide, .floorDivide, .remainder:
      guard b != 0 else { throw TemplateFault.runtime("integer division or modulo by zero") }
      if operation == .remainder {
        if b == -1 { return .integer(0) }
        let remainder = a % b
        return .integer(remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder)
      }
      result = a.dividedReportingOverflow(by: b)
      if !result.overflow, result.partialValue * b != a, (a < 0) != (b < 0) {
        return .integer(result.partialValue - 1)
      }
    }
    if result.overflow { throw overflow }
    return .integer(result.partialValue)
  }

  private static func power(_ base: Int, _ exponent: Int) throws -> TemplateValue {
    if exponent < 0 { return .number(try power(Double(base), Double(exponent))) }
    if base == 0 || base == 1 { return .integer(exponent == 0 ? 1 : base) }
    if base == -1 { return .integer(exponent % 2 == 0 ? 1 : -1) }
    var result = 1
    for _ in 0..<min(exponent, 64) {
      let (product, isTooLarge) = result.multipliedReportingOverflow(by: base)
      if isTooLarge { throw overflow }
      result = product
    }
    if exponent > 64 { throw overflow }
    return .integer(result)
  }

  private static func power(_ base: Double, _ exponent: Double) throws -> Double {
    if base == 0, exponent < 0 {
      throw TemplateFault.runtime("0.0 cannot be raised to a negative power")
    }
    if base < 0, exponent.isFinite, exponent.rounded() != exponent {
      throw TemplateFault.runtime("a negative number to a fractional power")
    }
    let result = pow(base, exponent)
    if result.isInfinite, base.isFinite, exponent.isFinite {
      throw TemplateFault.runtime("Numerical result out of range")
    }
    return result
  }
}
