/// What follows a value: attributes, subscripts, calls, filters and tests.
extension TemplateParser {
  mutating func parsePostfix(into operations: inout [TemplatePostfix]) throws {
    while true {
      switch current.kind {
      case .symbol(.dot): operations.append(try parseAttribute())
      case .symbol(.leftBracket): operations.append(try parseSubscript())
      case .symbol(.leftParen): operations.append(.call(try parseArguments()))
      default: return
      }
    }
  }

  mutating func parseFiltersAndTests(into operations: inout [TemplatePostfix]) throws {
    while true {
      if skip(.pipe) {
        operations.append(.filter(try parseFilterCall(isTest: false)))
      } else if skip(keyword: "is") {
        let negated = skip(keyword: "not")
        operations.append(.test(try parseFilterCall(isTest: true), negated: negated))
      } else if isAt(.leftParen) {
        operations.append(.call(try parseArguments()))
      } else {
        return
      }
    }
  }

  private mutating func parseAttribute() throws -> TemplatePostfix {
    next()
    let token = next()
    switch token.kind {
    case .name(let name): return .attribute(name: name, bytes: Array(name.utf8))
    case .integer(let index): return .item(.integer(index))
    default: throw fail("expected name or number", line: token.line)
    }
  }

  private mutating func parseSubscript() throws -> TemplatePostfix {
    next()
    var elements: [TemplatePostfix] = []
    while !isAt(.rightBracket) {
      if !elements.isEmpty { try expect(.comma) }
      elements.append(try parseSubscriptElement())
    }
    next()
    if elements.count == 1 { return elements[0] }
    return .item(
      .tuple(
        try elements.map {
          guard case .item(let element) = $0 else { throw fail("a slice in a tuple of subscripts") }
          return element
        }))
  }

  private mutating func parseSubscriptElement() throws -> TemplatePostfix {
    var start: TemplateExpression?
    if !isAt(.colon) {
      let element = try parseExpression()
      guard isAt(.colon) else { return .item(element) }
      start = element
    }
    next()
    var stop: TemplateExpression?
    if !isAt(.colon), !isAt(.rightBracket), !isAt(.comma) { stop = try parseExpression() }
    var step: TemplateExpression?
    if skip(.colon), !isAt(.rightBracket), !isAt(.comma) { step = try parseExpression() }
    return .slice(start: start, stop: stop, step: step)
  }

  /// Parses a filter or a test from its name on.
  mutating func parseFilterCall(isTest: Bool) throws -> TemplateFilterCall {
    let line = self.line
    var name = try expectName()
    while skip(.dot) { name += "." + (try expectName()) }
    let known = isTest ? TemplateTests.catalog[name] != nil : TemplateFilters.catalog[name] != nil
    if !known, !forgivesUnknownNames {
      unknownNames.append((line, "No \(isTest ? "test" : "filter") named '\(name)'."))
    }
    var arguments = TemplateArguments()
    if isAt(.leftParen) {
      arguments = try parseArguments()
    } else if isTest, startsTestArgument {
      if isAt(keyword: "is") { throw fail("You cannot chain multiple tests with is") }
      let value = try nested { try $0.parsePrimary() }
      var operations: [TemplatePostfix] = []
      try parsePostfix(into: &operations)
      arguments.positional = [operations.isEmpty ? value : .postfix(value, operations)]
    }
    return TemplateFilterCall(name: name, arguments: arguments)
  }

  private var startsTestArgument: Bool {
    switch current.kind {
    case .name(let name): name != "else" && name != "or" && name != "and"
    case .string, .integer, .number, .symbol(.leftBracket), .symbol(.leftBrace): true
    default: false
    }
  }

  private mutating func parseArguments() throws -> TemplateArguments {
    let line = self.line
    var arguments = TemplateArguments()
    func ensure(_ condition: Bool) throws {
      if !condition { throw fail("invalid syntax for function call expression", line: line) }
    }
    next()
    var isFirst = true
    while !isAt(.rightParen) {
      if !isFirst {
        try expect(.comma)
        if isAt(.rightParen) { break }
      }
      isFirst = false
      if skip(.star) {
        try ensure(arguments.unpackedPositional == nil && arguments.unpackedKeyword == nil)
        arguments.unpackedPositional = try parseExpression()
      } else if skip(.power) {
        try ensure(arguments.unpackedKeyword == nil)
        arguments.unpackedKeyword = try parseExpression()
      } else if case .name(let name) = current.kind, peek().kind == .symbol(.assign) {
        try ensure(arguments.unpackedKeyword == nil)
        guard arguments.keyword.count < Self.argumentLimit else { throw fail("too many arguments") }
        next()
        next()
        if arguments.keyword.contains(where: { $0.name == name }) {
          throw fail("keyword argument repeated: \(name)")
        }
        arguments.keyword.append((name, try parseExpression()))
      } else {
        try ensure(
          arguments.unpackedPositional == nil && arguments.unpackedKeyword == nil
            && arguments.keyword.isEmpty)
        arguments.positional.append(try parseExpression())
      }
    }
    next()
    return arguments
  }
}
