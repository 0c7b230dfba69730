extension TemplateParser {
  /// Parses what stands after `{%`; nothing for a statement without effect.
  mutating func parseStatement(line: Int, ends: [String]) throws -> TemplateStatement? {
    guard case .name(let name) = current.kind else { throw fail("tag name expected") }
    let kind: TemplateStatement.Kind
    switch name {
    case "if": kind = try parseIf()
    case "for": kind = try parseFor()
    case "set": kind = try parseSet()
    case "macro": kind = try parseMacro()
    case "call": kind = try parseCallBlock()
    case "filter": kind = try parseFilterBlock()
    case "with": kind = try parseWith()
    case "print": kind = try parsePrint()
    case "generation":
      next()
      kind = .scope(try parseFunctionBody { try $0.parseInnerBlock(until: "endgeneration") })
    case "autoescape": kind = try parseAutoescape()
    case "block": kind = try parseNamedBlock()
    case "break", "continue":
      next()
      guard loops > 0 else { throw fail("'\(name)' outside loop", line: line) }
      kind = name == "break" ? .breakLoop : .continueLoop
    case "include", "import", "extends", "from":
      while current.kind != .blockEnd, current.kind != .end { next() }
      kind = .unsupported("no loader for this environment specified")
    default: throw unknownTag(name, ends: ends)
    }
    return TemplateStatement(line: line, kind: kind)
  }

  private func unknownTag(_ name: String, ends: [String]) -> ChatTemplateError {
    guard !ends.isEmpty else { return fail("Encountered unknown tag '\(name)'.") }
    let expected = ends.map { "'\($0)'" }.joined(separator: " or ")
    return fail(
      "Encountered unknown tag '\(name)'. Jinja was looking for the following tags: \(expected).")
  }

  private mutating func parseIf() throws -> TemplateStatement.Kind {
    var branches: [TemplateBranch] = []
    let forgave = forgivesUnknownNames
    forgivesUnknownNames = true
    defer { forgivesUnknownNames = forgave }
    while true {
      next()
      let condition = try parseTuple(allowsConditional: false)
      let body = try parseBlock(until: ["elif", "else", "endif"])
      branches.append(TemplateBranch(condition: condition, body: body))
      if isAt(keyword: "elif") { continue }
      var otherwise: [TemplateStatement] = []
      if next().kind == .name("else") {
        otherwise = try parseBlock(until: ["endif"])
        next()
      }
      return .choice(branches: branches, otherwise: otherwise)
    }
  }

  private mutating func parseFor() throws -> TemplateStatement.Kind {
    next()
    allLoops += 1
    defer { allLoops -= 1 }
    let target = try parseTarget(allowsAttribute: false)
    try expect(keyword: "in")
    let iterable = try parseTuple(allowsConditional: false)
    let condition = try skip(keyword: "if") ? parseInner { try $0.parseExpression() } : nil
    let isRecursive = skip(keyword: "recursive")
    loops += 1
    let body = try parseScope(until: ["endfor", "else"])
    loops -= 1
    let otherwise = try next().kind == .name("else") ? parseInnerBlock(until: "endfor") : nil
    return .loop(
      TemplateLoop(
        target: target, iterable: iterable, condition: condition, isRecursive: isRecursive,
        loopVariable: variable("loop"), body: body, otherwise: otherwise))
  }

  private mutating func parseSet() throws -> TemplateStatement.Kind {
    next()
    let target = try parseTarget(allowsAttribute: true)
    if skip(.assign) { return .assign(target, try parseTuple()) }
    let filters = try parseInner { try $0.parseFilters() }
    return .assignBlock(target, filters: filters, body: try parseInnerBlock(until: "endset"))
  }

  private mutating func parseFilters() throws -> [TemplateFilterCall] {
    var filters: [TemplateFilterCall] = []
    while skip(.pipe) { filters.append(try parseFilterCall(isTest: false)) }
    return filters
  }

  private mutating func parseFilterBlock() throws -> TemplateStatement.Kind {
    next()
    let filters = try parseInner {
      [try $0.parseFilterCall(isTest: false)] + (try $0.parseFilters())
    }
    return .filter(filters, body: try parseInnerBlock(until: "endfilter"))
  }

  private mutating func parseWith() throws -> TemplateStatement.Kind {
    next()
    var bindings: [(target: TemplateTarget, value: TemplateExpression)] = []
    while current.kind != .blockEnd, current.kind != .end {
      if !bindings.isEmpty { try expect(.comma) }
      let target = try parseTarget(allowsAttribute: false)
      try expect(.assign)
      bindings.append((target, try parseExpression()))
    }
    return .with(bindings, body: try parseInnerBlock(until: "endwith"))
  }

  private mutating func parsePrint() throws -> TemplateStatement.Kind {
    next()
    var values: [TemplateExpression] = []
    while current.kind != .blockEnd, current.kind != .end {
      if !values.isEmpty { try expect(.comma) }
      values.append(try parseExpression())
    }
    return .output(values)
  }

  private mutating func parseAutoescape() throws -> TemplateStatement.Kind {
    next()
    guard case .bool(false) = try parseExpression() else {
      throw fail("autoescape is not supported")
    }
    return .scope(try parseInnerBlock(until: "endautoescape"))
  }

  /// A named block, which stands for itself as there are no templates to inherit from.
  private mutating func parseNamedBlock() throws -> TemplateStatement.Kind {
    next()
    let name = try expectName()
    _ = skip(keyword: "scoped")
    _ = skip(keyword: "required")
    let body = try parseFunctionBody { try $0.parseInnerBlock(until: "endblock") }
    _ = skip(keyword: name)
    return .scope(body)
  }

  // MARK: Macros

  private mutating func parseMacro() throws -> TemplateStatement.Kind {
    next()
    let name = try expectName()
    let variable = variable(name)
    return .macro(variable: variable, try parseMacro(named: name, end: "endmacro"))
  }

  private mutating func parseCallBlock() throws -> TemplateStatement.Kind {
    let line = self.line
    next()
    var parameters: [TemplateMacro.Parameter] = []
    // The parameters' defaults belong to the caller, the call to the statement around it.
    if isAt(.leftParen) { parameters = try parseParameters() }
    guard case .postfix(let base, var operations) = try parseExpression(),
      case .call(let arguments)? = operations.popLast()
    else { throw fail("expected call", line: line) }
    let caller = try parseMacro(named: nil, end: "endcall", parameters: parameters)
    let function = operations.isEmpty ? base : .postfix(base, operations)
    return .call(TemplateCallBlock(function: function, arguments: arguments, caller: caller))
  }

  private mutating func parseMacro(
    named name: String?, end: String, parameters known: [TemplateMacro.Parameter]? = nil
  ) throws -> TemplateMacro {
    macroNames.append([])
    defer { macroNames.removeLast() }
    let (parameters, body) = try parseFunctionBody { parser in
      let parameters = try known ?? parser.parseInner { try $0.parseParameters() }
      return (parameters, try parser.parseInnerBlock(until: end))
    }
    let used = macroNames[macroNames.count - 1]
    func special(_ name: String) -> Bool {
      used.contains(name) && !parameters.contains { $0.name == name }
    }
    if used.contains("caller"),
      let explicit = parameters.first(where: { $0.name == "caller" }), explicit.initial == nil
    {
      throw fail(
        "When defining macros or call blocks the special \"caller\" argument must be omitted or "
          + "be given a default.")
    }
    return TemplateMacro(
      name: name, parameters: parameters, body: body,
      caller: special("caller") ? variable("caller") : nil,
      keywords: special("kwargs") ? variable("kwargs") : nil,
      variadic: special("varargs") ? variable("varargs") : nil)
  }

  /// Parses what is a function in jinja2, where `break` cannot reach a loop outside.
  private mutating func parseFunctionBody<Result>(
    _ parse: (inout TemplateParser) throws -> Result
  ) throws -> Result {
    let outer = loops
    loops = 0
    defer { loops = outer }
    return try parse(&self)
  }

  private mutating func parseParameters() throws -> [TemplateMacro.Parameter] {
    var parameters: [TemplateMacro.Parameter] = []
    try expect(.leftParen)
    while !isAt(.rightParen) {
      if !parameters.isEmpty { try expect(.comma) }
      let name = try expectName()
      try checkAssignable(name)
      guard parameters.count < Self.argumentLimit else { throw fail("too many parameters") }
      if parameters.contains(where: { $0.name == name }) {
        throw fail("duplicate argument '\(name)' in function definition")
      }
      var initial: TemplateExpression?
      if skip(.assign) {
        initial = try parseExpression()
      } else if parameters.last?.initial != nil {
        throw fail("non-default argument follows default argument")
      }
      parameters.append(.init(name: name, variable: variable(name), initial: initial))
    }
    try expect(.rightParen)
    return parameters
  }

  // MARK: Targets

  private mutating func parseTarget(
    allowsAttribute: Bool
  ) throws -> TemplateTarget {
    var targets: [TemplateTarget] = []
    var isTuple = false
    while true {
      if !targets.isEmpty { try expect(.comma) }
      if isTupleEnd { break }
      targets.append(try nested { try $0.parseSingleTarget(allowsAttribute: allowsAttribute) })
      guard isAt(.comma) else { break }
      isTuple = true
    }
    if isTuple { return .tuple(targets) }
    guard let target = targets.first else {
      throw fail("Expected an expression, got '\(current.description)'")
    }
    return target
  }

  private mutating func parseSingleTarget(allowsAttribute: Bool) throws -> TemplateTarget {
    if skip(.leftParen) {
      if skip(.rightParen) { return .tuple([]) }
      let target = try parseTarget(allowsAttribute: false)
      try expect(.rightParen)
      return target
    }
    guard case .name(let name) = current.kind else {
      throw fail("can't assign to '\(current.description)'")
    }
    next()
    try checkAssignable(name)
    if allowsAttribute, skip(.dot) {
      return .attribute(variable: reference(name), name: try expectName())
    }
    if name == "loop", allLoops > 0 {
      throw fail("Can't assign to special loop variable in for-loop target")
    }
    return .variable(variable(name))
  }

  private func checkAssignable(_ name: String) throws {
    if ["true", "false", "none", "True", "False", "None"].contains(name) {
      throw fail("can't assign to 'const'")
    }
  }
}
