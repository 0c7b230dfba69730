/// Finds the variables that jinja2 makes undefined until they are set, whatever the context holds.
///
/// jinja2 decides once per scope where a name's first value comes from. If the scope sets the name (not just inside an
/// `if`) before it reads it, and no scope around knows it, the name starts as undefined. That shows where a loop or a
/// macro inside reads the name before the statement that sets it has run.
struct TemplateScopeAnalyzer {
  /// What one scope knows of names.
  private struct Names {
    var known: Set<Int>
    var undefined: Set<Int> = []
    /// What became known, in order, so that a branch can be taken back.
    var journal: [Int] = []

    mutating func insert(_ variable: Int) {
      if known.insert(variable).inserted { journal.append(variable) }
    }

    /// Takes back everything since a place in the journal.
    mutating func removeSince(_ mark: Int) -> ArraySlice<Int> {
      let removed = journal[mark...]
      journal.removeLast(journal.count - mark)
      known.subtract(removed)
      undefined.subtract(removed)
      return removed
    }
  }

  private var scopes: [Names] = []
  private var result: [[Int]]

  static func undefinedVariables(in body: TemplateBlock, scopes: Int) -> [[Int]] {
    var analyzer = TemplateScopeAnalyzer(result: Array(repeating: [], count: scopes))
    analyzer.enter(body, parameters: [])
    return analyzer.result
  }

  private init(result: [[Int]]) {
    self.result = result
  }

  // MARK: Scopes

  private mutating func enter(
    _ block: TemplateBlock, parameters: [Int], reading expressions: [TemplateExpression] = []
  ) {
    scopes.append(Names(known: Set(parameters)))
    for expression in expressions { read(expression) }
    visit(block.statements)
    result[block.scope] = scopes[scopes.count - 1].undefined.sorted()
    // Scopes inside see all names of this one, also those set further down.
    for statement in block.statements { enterScopes(of: statement) }
    scopes.removeLast()
  }

  private mutating func enterScopes(of statement: TemplateStatement) {
    switch statement.kind {
    case .choice(let branches, let otherwise):
      for branch in branches { for statement in branch.body { enterScopes(of: statement) } }
      for statement in otherwise { enterScopes(of: statement) }
    case .loop(let loop):
      enter(loop.body, parameters: Self.variables(of: loop.target) + [loop.loopVariable])
      if let otherwise = loop.otherwise { enter(otherwise, parameters: []) }
    case .assignBlock(_, _, let body), .filter(_, let body), .scope(let body):
      enter(body, parameters: [])
    case .with(let bindings, let body):
      enter(body, parameters: bindings.flatMap { Self.variables(of: $0.target) })
    case .macro(_, let macro): enter(macro)
    case .call(let block): enter(block.caller)
    case .text, .output, .assign, .breakLoop, .continueLoop, .unsupported: break
    }
  }

  private mutating func enter(_ macro: TemplateMacro) {
    let special = [macro.caller, macro.keywords, macro.variadic].compactMap { $0 }
    enter(
      macro.body, parameters: macro.parameters.map(\.variable) + special,
      reading: macro.parameters.compactMap(\.initial))
  }

  private static func variables(of target: TemplateTarget) -> [Int] {
    switch target {
    case .variable(let variable): [variable]
    case .attribute: []
    case .tuple(let targets): targets.flatMap(variables)
    }
  }

  // MARK: Statements

  private mutating func visit(_ statements: [TemplateStatement]) {
    for statement in statements { visit(statement) }
  }

  private mutating func visit(_ statement: TemplateStatement) {
    switch statement.kind {
    case .output(let values): for value in values { read(value) }
    case .choice(let branches, let otherwise): visit(branches[...], otherwise)
    case .loop(let loop): read(loop.iterable)
    case .assign(let target, let value):
      read(value)
      store(target)
    case .assignBlock(let target, _, _): store(target)
    case .macro(let variable, _): store(variable)
    case .call(let block):
      read(block.function)
      read(block.arguments)
    case .filter(let filters, _): for filter in filters { read(filter.arguments) }
    case .with(let bindings, _): for binding in bindings { read(binding.value) }
    case .text, .scope, .breakLoop, .continueLoop, .unsupported: break
    }
  }

  /// Branches see the names before them, not each other's; what only they set may come from the context.
  private mutating func visit(
    _ branches: ArraySlice<TemplateBranch>, _ otherwise: [TemplateStatement]
  ) {
    let top = scopes.count - 1
    for branch in branches { read(branch.condition) }
    let mark = scopes[top].journal.count
    var merged: [Int] = []
    for body in branches.map(\.body) + [otherwise] {
      visit(body)
      merged += scopes[top].removeSince(mark)
    }
    for variable in merged { scopes[top].insert(variable) }
  }

  private mutating func store(_ target: TemplateTarget) {
    switch target {
    case .variable(let variable): store(variable)
    case .attribute(let variable, _): read(variable)
    case .tuple(let targets): for target in targets { store(target) }
    }
  }

  private mutating func store(_ variable: Int) {
    let top = scopes.count - 1
    if !scopes.contains(where: { $0.known.contains(variable) }) {
      scopes[top].undefined.insert(variable)
    }
    scopes[top].insert(variable)
  }

  private mutating func read(_ variable: Int) {
    let isKnown = scopes.contains { $0.known.contains(variable) }
    if !isKnown { scopes[scopes.count - 1].insert(variable) }
  }

  // MARK: Expressions

  private mutating func read(_ expression: TemplateExpression) {
    switch expression {
    case .none, .bool, .integer, .number, .string: break
    case .variable(let variable): read(variable)
    case .tuple(let parts), .list(let parts), .concatenation(let parts), .conjunction(let parts),
      .disjunction(let parts):
      for part in parts { read(part) }
    case .dictionary(let entries):
      for (key, value) in entries {
        read(key)
        read(value)
      }
    case .arithmetic(let first, let rest):
      read(first)
      for (_, operand) in rest { read(operand) }
    case .comparison(let first, let rest):
      read(first)
      for (_, operand) in rest { read(operand) }
    case .not(let operand), .negative(let operand), .positive(let operand): read(operand)
    case .conditional(let value, let condition, let otherwise):
      read(value)
      read(condition)
      if let otherwise { read(otherwise) }
    case .postfix(let base, let operations):
      read(base)
      for operation in operations { read(operation) }
    }
  }

  private mutating func read(_ operation: TemplatePostfix) {
    switch operation {
    case .attribute: break
    case .item(let key): read(key)
    case .slice(let start, let stop, let step):
      for bound in [start, stop, step] { if let bound { read(bound) } }
    case .call(let arguments): read(arguments)
    case .filter(let filter), .test(let filter, _): read(filter.arguments)
    }
  }

  private mutating func read(_ arguments: TemplateArguments) {
    for argument in arguments.positional { read(argument) }
    for argument in arguments.keyword { read(argument.value) }
    for argument in [arguments.unpackedPositional, arguments.unpackedKeyword] {
      if let argument { read(argument) }
    }
  }
}
