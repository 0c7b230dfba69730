extension TemplateParser {
  /// Parses an expression, or a tuple without parentheses.
  mutating func parseTuple(
    allowsConditional: Bool = true, inParentheses: Bool = false
  ) throws -> TemplateExpression {
    var elements: [TemplateExpression] = []
    var isTuple = false
    while true {
      if !elements.isEmpty { try expect(.comma) }
      if isTupleEnd { break }
      elements.append(
        allowsConditional ? try parseExpression() : try nested { try $0.parseOr() })
      guard isAt(.comma) else { break }
      isTuple = true
    }
    if !isTuple {
      if let element = elements.first { return element }
      guard inParentheses else {
        throw fail("Expected an expression, got '\(current.description)'")
      }
    }
    return .tuple(elements)
  }

  var isTupleEnd: Bool {
    current.kind == .variableEnd || current.kind == .blockEnd || isAt(.rightParen)
  }

  mutating func parseExpression() throws -> TemplateExpression {
    try nested { try $0.parseConditional() }
  }

  private mutating func parseConditional() throws -> TemplateExpression {
    let unknownBefore = unknownNames.count
    var value = try parseOr()
    var depth = 0
    while skip(keyword: "if") {
      depth += 1
      try checkNesting(depth)
      let condition = try parseOr()
      let otherwise = try skip(keyword: "else") ? parseExpression() : nil
      value = .conditional(value, condition: condition, otherwise: otherwise)
      unknownNames.removeLast(unknownNames.count - unknownBefore)
    }
    return value
  }

  private mutating func parseOr() throws -> TemplateExpression {
    let first = try parseAnd()
    guard isAt(keyword: "or") else { return first }
    var operands = [first]
    while skip(keyword: "or") { operands.append(try parseAnd()) }
    return .disjunction(operands)
  }

  private mutating func parseAnd() throws -> TemplateExpression {
    let first = try parseNot()
    guard isAt(keyword: "and") else { return first }
    var operands = [first]
    while skip(keyword: "and") { operands.append(try parseNot()) }
    return .conjunction(operands)
  }

  private mutating func parseNot() throws -> TemplateExpression {
    guard skip(keyword: "not") else { return try parseComparison() }
    return .not(try nested { try $0.parseNot() })
  }

  private mutating func parseComparison() throws -> TemplateExpression {
    let first = try parseArithmetic(level: 0)
    var rest: [(operation: TemplateComparison, operand: TemplateExpression)] = []
    while let operation = parseComparisonOperator() {
      rest.append((operation, try parseArithmetic(level: 0)))
    }
    return rest.isEmpty ? first : .comparison(first, rest)
  }

  private mutating func parseComparisonOperator() -> TemplateComparison? {
    switch current.kind {
    case .symbol(let symbol):
      guard let operation = TemplateComparison(rawValue: symbol.rawValue) else { return nil }
      next()
      return operation
    case .name("in"):
      next()
      return .contained
    case .name("not") where peek().kind == .name("in"):
      next()
      next()
      return .notContained
    default: return nil
    }
  }

  /// Binary operators by level: sums, concatenation, products, powers.
  private mutating func parseArithmetic(level: Int) throws -> TemplateExpression {
    let first = try level == 3 ? parseUnary() : parseArithmetic(level: level + 1)
    if level == 1 { return try parseConcatenation(first) }
    var rest: [(operation: TemplateArithmetic, operand: TemplateExpression)] = []
    while case .symbol(let symbol) = current.kind,
      let operation = TemplateArithmetic(rawValue: symbol.rawValue), operation.level == level
    {
      next()
      rest.append((operation, try level == 3 ? parseUnary() : parseArithmetic(level: level + 1)))
    }
    return rest.isEmpty ? first : .arithmetic(first, rest)
  }

  private mutating func parseConcatenation(
    _ first: TemplateExpression
  ) throws -> TemplateExpression {
    guard isAt(.tilde) else { return first }
    var operands = [first]
    while skip(.tilde) { operands.append(try parseArithmetic(level: 2)) }
    return .concatenation(operands)
  }

  private mutating func parseUnary(allowsFilters: Bool = true) throws -> TemplateExpression {
    var value: TemplateExpression
    if skip(.minus) {
      value = .negative(try nested { try $0.parseUnary(allowsFilters: false) })
    } else if skip(.plus) {
      value = .positive(try nested { try $0.parseUnary(allowsFilters: false) })
    } else {
      value = try parsePrimary()
    }
    var operations: [TemplatePostfix] = []
    try parsePostfix(into: &operations)
    if allowsFilters { try parseFiltersAndTests(into: &operations) }
    return operations.isEmpty ? value : .postfix(value, operations)
  }

  // MARK: Primaries

  mutating func parsePrimary() throws -> TemplateExpression {
    let token = current
    switch token.kind {
    case .name(let name):
      next()
      switch name {
      case "true", "True": return .bool(true)
      case "false", "False": return .bool(false)
      case "none", "None": return .none
      default: return .variable(reference(name))
      }
    case .string(var bytes):
      next()
      while case .string(let more) = current.kind {
        bytes += more
        next()
      }
      return .string(bytes)
    case .integer(let value):
      next()
      return .integer(value)
    case .number(let value):
      next()
      return .number(value)
    case .symbol(.leftParen):
      next()
      let value = try parseTuple(inParentheses: true)
      try expect(.rightParen)
      return value
    case .symbol(.leftBracket): return try parseList()
    case .symbol(.leftBrace): return try parseDictionary()
    default: throw fail("unexpected '\(token.description)'")
    }
  }

  private mutating func parseList() throws -> TemplateExpression {
    next()
    var elements: [TemplateExpression] = []
    while !isAt(.rightBracket) {
      if !elements.isEmpty { try expect(.comma) }
      if isAt(.rightBracket) { break }
      elements.append(try parseExpression())
    }
    next()
    return .list(elements)
  }

  private mutating func parseDictionary() throws -> TemplateExpression {
    next()
    var entries: [(key: TemplateExpression, value: TemplateExpression)] = []
    while !isAt(.rightBrace) {
      if !entries.isEmpty { try expect(.comma) }
      if isAt(.rightBrace) { break }
      let key = try parseExpression()
      try expect(.colon)
      entries.append((key, try parseExpression()))
    }
    next()
    return .dictionary(entries)
  }
}

extension TemplateArithmetic {
  fileprivate var level: Int {
    switch self {
    case .add, .subtract: 0
    case .multiply, .divide, .floorDivide, .remainder: 2
    case .power: 3
    }
  }
}
