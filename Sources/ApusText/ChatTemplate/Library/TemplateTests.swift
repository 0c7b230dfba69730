/// The tests that stand after `is`.
enum TemplateTests {
  typealias Test =
    @Sendable (TemplateInterpreter, TemplateValue, TemplateCallArguments) throws -> Bool

  static let catalog: [String: Test] = makeCatalog()

  private static func makeCatalog() -> [String: Test] {
    var catalog = kinds
    catalog["odd"] = { interpreter, value, _ in
      try remainder(value, .integer(2), interpreter) == 1
    }
    catalog["even"] = { interpreter, value, _ in
      try remainder(value, .integer(2), interpreter) == 0
    }
    catalog["divisibleby"] = { try remainder($1, operand("divisibleby", $2), $0) == 0 }
    catalog["filter"] = { try TemplateFilters.catalog[name($1, $2, $0)] != nil }
    catalog["test"] = { try testNames.contains(name($1, $2, $0)) }
    catalog["lower"] = { interpreter, value, _ in
      try TemplatePrinter.text(value, interpreter.meter).isLowercase
    }
    catalog["upper"] = { interpreter, value, _ in
      try TemplatePrinter.text(value, interpreter.meter).isUppercase
    }
    catalog["sameas"] = { try isSame($1, operand("sameas", $2), $0) }
    catalog["in"] = { try TemplateOperators.contains(operand("in", $2), $1, $0) }
    let comparisons: [(TemplateComparison, [String])] = [
      (.equal, ["==", "eq", "equalto"]), (.notEqual, ["!=", "ne"]),
      (.greater, [">", "gt", "greaterthan"]), (.greaterEqual, [">=", "ge"]),
      (.less, ["<", "lt", "lessthan"]), (.lessEqual, ["<=", "le"]),
    ]
    for (comparison, names) in comparisons {
      for name in names {
        catalog[name] = { try TemplateOperators.apply(comparison, $1, operand(name, $2), $0) }
      }
    }
    return catalog
  }

  /// All names, for the test that asks for them.
  private static let testNames: Set<String> = Set(TemplateTests.catalog.keys)

  private static func check(_ predicate: @escaping @Sendable (TemplateValue) -> Bool) -> Test {
    { _, value, _ in predicate(value) }
  }

  private static let kinds: [String: Test] = [
    "defined": check { !$0.isUndefined },
    "undefined": check { $0.isUndefined },
    "none": check { $0.isNone },
    "boolean": check { boolean($0) != nil },
    "true": check { boolean($0) == true },
    "false": check { boolean($0) == false },
    "integer": check { if case .integer = $0 { true } else { false } },
    "float": check { if case .number = $0 { true } else { false } },
    "number": check { TemplateOperators.Number($0) != nil },
    "string": check { if case .string = $0 { true } else { false } },
    "mapping": check { if case .dictionary = $0 { true } else { false } },
    "sequence": check(isSequence),
    "iterable": check(isIterable),
    "callable": check(isCallable),
    "escaped": check { if case .string(let text) = $0 { text.isMarkup } else { false } },
  ]

  private static func operand(
    _ test: String, _ arguments: TemplateCallArguments
  ) throws -> TemplateValue {
    let values = arguments.positional + arguments.keyword.map(\.value)
    guard values.count == 1 else {
      throw TemplateFault.runtime("test '\(test)' takes 1 argument (\(values.count) given)")
    }
    return values[0]
  }

  private static func remainder(
    _ a: TemplateValue, _ b: TemplateValue, _ interpreter: TemplateInterpreter
  ) throws -> Double {
    let value = try TemplateOperators.apply(.remainder, a, b, interpreter)
    guard let number = TemplateOperators.Number(value) else { return .nan }
    return number.double
  }

  private static func name(
    _ value: TemplateValue, _ arguments: TemplateCallArguments, _ interpreter: TemplateInterpreter
  ) throws -> String {
    _ = try arguments.bind("test", [])
    switch value {
    case .string(let text): return text.string
    case .list, .dictionary: throw TemplateFault.runtime("unhashable type: '\(value.typeName)'")
    default: return ""
    }
  }

  private static func boolean(_ value: TemplateValue) -> Bool? {
    if case .bool(let flag) = value { flag } else { nil }
  }

  @Sendable
  private static func isSequence(_ value: TemplateValue) -> Bool {
    switch value {
    case .undefined, .string, .list, .tuple, .dictionary, .range: true
    default: false
    }
  }

  @Sendable
  private static func isIterable(_ value: TemplateValue) -> Bool {
    switch value {
    case .undefined, .string, .list, .tuple, .dictionary, .range, .view, .iterator, .loop: true
    default: false
    }
  }

  @Sendable
  private static func isCallable(_ value: TemplateValue) -> Bool {
    switch value {
    case .function(let function): function.typeName != "Cycler"
    case .loop, .undefined: true
    default: false
    }
  }

  /// Python's `is`, as far as values without addresses can tell.
  private static func isSame(
    _ a: TemplateValue, _ b: TemplateValue, _ interpreter: TemplateInterpreter
  ) -> Bool {
    switch (a, b) {
    case (.none, .none): true
    case (.bool(let a), .bool(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.string(let a), .string(let b)): a == b && a.isMarkup == b.isMarkup
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)): a === b
    case (.dictionary(let a), .dictionary(let b)): a === b
    case (.namespace(let a), .namespace(let b)): a === b
    case (.function(let a), .function(let b)): a === b
    default: false
    }
  }
}
