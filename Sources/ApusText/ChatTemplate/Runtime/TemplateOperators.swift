/// What Python's operators do.
enum TemplateOperators {
  // MARK: Equality

  static func equal(
    _ a: TemplateValue, _ b: TemplateValue, _ meter: TemplateMeter
  ) throws -> Bool {
    switch (a, b) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.string(let a), .string(let b)):
      if a.bytes.count != b.bytes.count { return false }
      try meter.read(a.bytes.count)
      return a == b
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      return try a === b || equal(a.elements, b.elements, meter)
    case (.dictionary(let a), .dictionary(let b)): return try equal(a, b, meter)
    case (.range(let a), .range(let b)):
      return a.count == b.count
        && (a.count == 0 || a.start == b.start && (a.count == 1 || a.step == b.step))
    case (.namespace(let a), .namespace(let b)): return a === b
    case (.function(let a), .function(let b)): return a === b
    case (.iterator(let a), .iterator(let b)): return a === b
    case (.loop(let a), .loop(let b)): return a === b
    case (.view(let a), .view(let b)): return a === b
    default:
      guard let a = Number(a), let b = Number(b) else { return false }
      return a == b
    }
  }

  static func equal(
    _ a: [TemplateValue], _ b: [TemplateValue], _ meter: TemplateMeter
  ) throws -> Bool {
    guard a.count == b.count else { return false }
    for (a, b) in zip(a, b) {
      try meter.step()
      if try !equal(a, b, meter) { return false }
    }
    return true
  }

  private static func equal(
    _ a: TemplateDictionary, _ b: TemplateDictionary, _ meter: TemplateMeter
  ) throws -> Bool {
    if a === b { return true }
    guard a.count == b.count else { return false }
    for (key, value) in a.entries {
      try meter.step()
      guard let other = b[try TemplateKey(key, meter)], try equal(value, other, meter) else {
        return false
      }
    }
    return true
  }

  // MARK: Order

  static func apply(
    _ operation: TemplateComparison, _ a: TemplateValue, _ b: TemplateValue,
    _ interpreter: TemplateInterpreter
  ) throws -> Bool {
    let meter = interpreter.meter
    switch operation {
    case .equal: return try equal(a, b, meter)
    case .notEqual: return try !equal(a, b, meter)
    case .contained: return try contains(b, a, interpreter)
    case .notContained: return try !contains(b, a, interpreter)
    case .less, .lessEqual, .greater, .greaterEqual: return try order(operation, a, b, meter)
    }
  }

  static func order(
    _ operation: TemplateComparison, _ a: TemplateValue, _ b: TemplateValue, _ meter: TemplateMeter
  ) throws -> Bool {
    switch (a, b) {
    case (.undefined(let undefined), _), (_, .undefined(let undefined)): throw undefined.fault
    case (.string(let a), .string(let b)):
      try meter.read(min(a.bytes.count, b.bytes.count))
      return holds(operation, a < b ? -1 : a == b ? 0 : 1)
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      for (a, b) in zip(a.elements, b.elements) {
        try meter.step()
        if try !equal(a, b, meter) { return try order(operation, a, b, meter) }
      }
      return holds(operation, a.elements.count - b.elements.count)
    default:
      guard let x = Number(a), let y = Number(b) else {
        throw TemplateFault.runtime(
          "'\(operation.rawValue)' not supported between instances of '\(a.typeName)' and "
            + "'\(b.typeName)'")
      }
      switch operation {
      case .less: return x < y
      case .lessEqual: return x < y || x == y
      case .greater: return y < x
      default: return y < x || x == y
      }
    }
  }

  private static func holds(_ operation: TemplateComparison, _ sign: Int) -> Bool {
    switch operation {
    case .less: sign < 0
    case .lessEqual: sign <= 0
    case .greater: sign > 0
    default: sign >= 0
    }
  }

  /// The positions of values in ascending order; equal ones stay in their order.
  static func sortedOrder(
    of values: [TemplateValue], reversed: Bool = false, _ meter: TemplateMeter
  ) throws -> [Int] {
    try meter.makeElements(values.count)
    return try values.indices.sorted { a, b in
      try meter.step()
      let (x, y) = reversed ? (values[b], values[a]) : (values[a], values[b])
      if try order(.less, x, y, meter) { return true }
      return try a < b && !order(.less, y, x, meter)
    }
  }

  // MARK: Membership

  static func contains(
    _ container: TemplateValue, _ value: TemplateValue, _ interpreter: TemplateInterpreter
  ) throws -> Bool {
    let meter = interpreter.meter
    switch container {
    case .string(let text):
      guard case .string(let part) = value else {
        throw TemplateFault.runtime(
          "'in <string>' requires string as left operand, not \(value.typeName)")
      }
      return try text.find(part.bytes, meter) != nil
    case .dictionary(let dictionary): return dictionary[try TemplateKey(value, meter)] != nil
    case .view(let view) where view.kind == .keys:
      return view.dictionary[try TemplateKey(value, meter)] != nil
    case .range(let range):
      guard let number = Number(value) else { return false }
      return number.exactInteger.map(range.contains) ?? false
    case .iterator(let iterator):
      while let element = try iterator.next() {
        try meter.step()
        if try equal(element, value, meter) { return true }
      }
      return false
    case .list, .tuple, .view, .undefined:
      for element in try interpreter.elements(of: container) {
        try meter.step()
        if try equal(element, value, meter) { return true }
      }
      return false
    default:
      throw TemplateFault.runtime("argument of type '\(container.typeName)' is not iterable")
    }
  }

  /// An integer or a floating-point number; a boolean counts as 0 or 1.
  enum Number {
    case integer(Int)
    case number(Double)

    init?(_ value: TemplateValue) {
      switch value {
      case .bool(let flag): self = .integer(flag ? 1 : 0)
      case .integer(let integer): self = .integer(integer)
      case .number(let number): self = .number(number)
      default: return nil
      }
    }

    var double: Double {
      switch self {
      case .integer(let value): Double(value)
      case .number(let value): value
      }
    }

    var exactInteger: Int? {
      switch self {
      case .integer(let value): value
      case .number(let value): Int(exactly: value)
      }
    }

    static func == (a: Number, b: Number) -> Bool {
      switch (a, b) {
      case (.integer(let a), .integer(let b)): a == b
      case (.number(let a), .number(let b)): a == b
      case (.integer(let integer), .number(let number)),
        (.number(let number), .integer(let integer)):
        Int(exactly: number) == integer
      }
    }

    static func < (a: Number, b: Number) -> Bool {
      switch (a, b) {
      case (.integer(let a), .integer(let b)): a < b
      case (.number(let a), .number(let b)): a < b
      case (.integer(let a), .number(let b)):
        Int(exactly: b.rounded(.up)).map { a < $0 } ?? (b > 0)
      case (.number(let a), .integer(let b)):
        Int(exactly: a.rounded(.down)).map { $0 < b } ?? (a < 0)
      }
    }
  }
}
