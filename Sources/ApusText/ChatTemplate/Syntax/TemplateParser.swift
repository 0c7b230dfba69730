/// Makes statements of tokens by recursive descent, after the grammar of jinja2's parser.
struct TemplateParser {
  /// The most keyword arguments or parameters; looking for repeated names stays linear in the source.
  static let argumentLimit = 256

  private let tokens: [TemplateToken]
  private var index = 0
  private var nesting = 0
  private var numbers: [String: Int] = [:]
  private var names: [String] = []
  /// How many scopes have been numbered.
  private var scopes = 1
  /// Names that the macros being parsed refer to, innermost last.
  var macroNames: [Set<String>] = []
  /// Loops around the statement being parsed, inside its macro.
  var loops = 0
  /// Loops around it in all, through macros.
  var allLoops = 0
  /// Filters and tests that do not exist; inside an `if` they fail only when they are reached.
  var unknownNames: [(line: Int, message: String)] = []
  var forgivesUnknownNames = false

  static func parse(_ source: String) throws -> TemplateProgram {
    var parser = TemplateParser(tokens: try TemplateLexer.tokenize(source))
    let body = TemplateBlock(scope: 0, statements: try parser.parseBody(until: []))
    if let unknown = parser.unknownNames.first {
      throw ChatTemplateError.syntax(line: unknown.line, message: unknown.message)
    }
    return TemplateProgram(
      body: body, names: parser.names,
      undefinedVariables: TemplateScopeAnalyzer.undefinedVariables(
        in: body, scopes: parser.scopes))
  }

  private init(tokens: [TemplateToken]) {
    self.tokens = tokens
  }

  // MARK: Tokens

  var current: TemplateToken { tokens[index] }
  var line: Int { tokens[index].line }

  func peek() -> TemplateToken { tokens[min(index + 1, tokens.count - 1)] }

  @discardableResult
  mutating func next() -> TemplateToken {
    let token = tokens[index]
    if index < tokens.count - 1 { index += 1 }
    return token
  }

  func fail(_ message: String, line: Int? = nil) -> ChatTemplateError {
    .syntax(line: line ?? self.line, message: message)
  }

  func isAt(_ symbol: TemplateSymbol) -> Bool { current.kind == .symbol(symbol) }
  func isAt(keyword: String) -> Bool { current.kind == .name(keyword) }

  mutating func skip(_ symbol: TemplateSymbol) -> Bool {
    guard isAt(symbol) else { return false }
    next()
    return true
  }

  mutating func skip(keyword: String) -> Bool {
    guard isAt(keyword: keyword) else { return false }
    next()
    return true
  }

  mutating func expect(_ kind: TemplateToken.Kind) throws {
    guard current.kind == kind else {
      throw unexpected(TemplateToken(kind: kind, line: line).description)
    }
    next()
  }

  mutating func expect(_ symbol: TemplateSymbol) throws { try expect(.symbol(symbol)) }
  mutating func expect(keyword: String) throws { try expect(.name(keyword)) }

  mutating func expectName() throws -> String {
    guard case .name(let name) = current.kind else { throw unexpected("name") }
    next()
    return name
  }

  private func unexpected(_ expected: String) -> ChatTemplateError {
    current.kind == .end
      ? fail("unexpected end of template, expected '\(expected)'.")
      : fail("expected token '\(expected)', got '\(current.description)'")
  }

  // MARK: Names and nesting

  /// The number of a variable.
  mutating func variable(_ name: String) -> Int {
    if let number = numbers[name] { return number }
    numbers[name] = names.count
    names.append(name)
    return names.count - 1
  }

  /// The number of a variable that is read, noted for the macros around it.
  mutating func reference(_ name: String) -> Int {
    if name == "caller" || name == "kwargs" || name == "varargs" {
      for index in macroNames.indices { macroNames[index].insert(name) }
    }
    return variable(name)
  }

  mutating func nested<Result>(
    _ parse: (inout TemplateParser) throws -> Result
  ) throws -> Result {
    nesting += 1
    try checkNesting()
    defer { nesting -= 1 }
    return try parse(&self)
  }

  func checkNesting(_ more: Int = 0) throws {
    if nesting + more > TemplateMeter.nestingLimit {
      throw ChatTemplateError.limit(
        line: line, message: "nested deeper than \(TemplateMeter.nestingLimit)")
    }
  }

  // MARK: Bodies

  /// Parses up to a tag with one of the names, which is left as the current token.
  mutating func parseBody(until ends: [String]) throws -> [TemplateStatement] {
    var body: [TemplateStatement] = []
    while true {
      let line = self.line
      switch current.kind {
      case .data(let bytes):
        next()
        body.append(TemplateStatement(line: line, kind: .text(bytes)))
      case .variableBegin:
        next()
        let value = try parseTuple()
        try expect(.variableEnd)
        body.append(TemplateStatement(line: line, kind: .output([value])))
      case .blockBegin:
        next()
        if case .name(let name) = current.kind, ends.contains(name) { return body }
        if let statement = try nested({ try $0.parseStatement(line: line, ends: ends) }) {
          body.append(statement)
        }
        try expect(.blockEnd)
      default:
        if ends.isEmpty { return body }
        throw fail(
          "Unexpected end of template. Jinja was looking for the following tags: "
            + ends.map { "'\($0)'" }.joined(separator: " or ") + ".")
      }
    }
  }

  /// Parses a body after the end of the tag that opens it.
  mutating func parseBlock(until ends: [String]) throws -> [TemplateStatement] {
    _ = skip(.colon)
    try expect(.blockEnd)
    return try parseBody(until: ends)
  }

  /// Parses a body in a scope of its own and the tag that ends it.
  mutating func parseInnerBlock(until end: String) throws -> TemplateBlock {
    let body = try parseScope(until: [end])
    next()
    return body
  }

  mutating func parseScope(until ends: [String]) throws -> TemplateBlock {
    let scope = scopes
    scopes += 1
    return TemplateBlock(
      scope: scope, statements: try parseInner { try $0.parseBlock(until: ends) })
  }

  /// Parses what is not directly inside an `if`.
  mutating func parseInner<Result>(
    _ parse: (inout TemplateParser) throws -> Result
  ) throws -> Result {
    let forgave = forgivesUnknownNames
    forgivesUnknownNames = false
    defer { forgivesUnknownNames = forgave }
    return try parse(&self)
  }
}
