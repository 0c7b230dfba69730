extension TemplateInterpreter {
  func evaluate(_ expression: TemplateExpression) throws -> TemplateValue {
    try nested {
      try meter.step()
      switch expression {
      case .none: return .none
      case .bool(let value): return .bool(value)
      case .integer(let value): return .integer(value)
      case .number(let value): return .number(value)
      case .string(let bytes): return .text(bytes)
      case .variable(let variable): return value(of: variable)
      case .tuple(let elements): return .tuple(try makeList(elements))
      case .list(let elements): return .list(try makeList(elements))
      case .dictionary(let entries): return try makeDictionary(entries)
      case .postfix(let base, let operations): return try evaluate(base, operations)
      case .arithmetic(let first, let rest): return try evaluate(first, rest)
      case .concatenation(let operands): return try concatenate(operands)
      case .comparison(let first, let rest): return try compare(first, rest)
      case .conjunction(let operands): return try evaluateLogic(operands, stopsAt: false)
      case .disjunction(let operands): return try evaluateLogic(operands, stopsAt: true)
      case .not(let operand): return .bool(try !evaluate(operand).isTrue)
      case .negative(let operand): return try TemplateOperators.negate(evaluate(operand))
      case .positive(let operand): return try TemplateOperators.plus(evaluate(operand))
      case .conditional(let value, let condition, let otherwise):
        return try evaluate(value, if: condition, else: otherwise)
      }
    }
  }

  private func makeList(_ elements: [TemplateExpression]) throws -> TemplateList {
    try meter.makeElements(elements.count)
    return try TemplateList(elements.map(evaluate))
  }

  private func makeDictionary(
    _ entries: [(key: TemplateExpression, value: TemplateExpression)]
  ) throws -> TemplateValue {
    try meter.makeElements(4 * entries.count)
    return .dictionary(
      try TemplateDictionary(
        entries.map { (try evaluate($0.key), try evaluate($0.value)) }, meter))
  }

  private func evaluate(
    _ first: TemplateExpression,
    _ rest: [(operation: TemplateArithmetic, operand: TemplateExpression)]
  ) throws -> TemplateValue {
    var value = try evaluate(first)
    for (operation, operand) in rest {
      value = try TemplateOperators.apply(operation, value, evaluate(operand), self)
    }
    return value
  }

  private func concatenate(_ operands: [TemplateExpression]) throws -> TemplateValue {
    var bytes: [UInt8] = []
    for operand in operands {
      bytes += try TemplatePrinter.text(evaluate(operand), meter).bytes
      if bytes.count > meter.textLimit { break }
    }
    try meter.makeText(bytes.count)
    return .text(bytes)
  }

  private func compare(
    _ first: TemplateExpression,
    _ rest: [(operation: TemplateComparison, operand: TemplateExpression)]
  ) throws -> TemplateValue {
    var left = try evaluate(first)
    for (operation, operand) in rest {
      let right = try evaluate(operand)
      if try !TemplateOperators.apply(operation, left, right, self) { return .bool(false) }
      left = right
    }
    return .bool(true)
  }

  private func evaluateLogic(
    _ operands: [TemplateExpression], stopsAt truth: Bool
  ) throws -> TemplateValue {
    var value = TemplateValue.none
    for operand in operands {
      value = try evaluate(operand)
      if value.isTrue == truth { break }
    }
    return value
  }

  private func evaluate(
    _ value: TemplateExpression, if condition: TemplateExpression,
    else otherwise: TemplateExpression?
  ) throws -> TemplateValue {
    if try evaluate(condition).isTrue { return try evaluate(value) }
    if let otherwise { return try evaluate(otherwise) }
    return .undefined(
      TemplateUndefined(
        "the inline if-expression on line \(line) evaluated to false and no else section was defined."
      ))
  }

  // MARK: Postfix operators

  private func evaluate(
    _ base: TemplateExpression, _ operations: [TemplatePostfix]
  ) throws -> TemplateValue {
    var value = try evaluate(base)
    for operation in operations {
      try meter.step()
      value = try apply(operation, to: value)
    }
    return value
  }

  private func apply(_ operation: TemplatePostfix, to value: TemplateValue) throws -> TemplateValue
  {
    switch operation {
    case .attribute(let name, let bytes): try attribute(name, bytes, of: value)
    case .item(let key): try item(evaluate(key), of: value)
    case .slice(let start, let stop, let step):
      try slice(
        value, start.map(evaluate) ?? .none, stop.map(evaluate) ?? .none,
        step.map(evaluate) ?? .none)
    case .call(let arguments): try call(value, evaluate(arguments))
    case .filter(let filter): try apply(filter, to: value)
    case .test(let test, let negated): .bool(try self.test(test, value) != negated)
    }
  }
}
