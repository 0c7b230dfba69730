extension TemplateInterpreter {
  /// How a statement ends: on to the next, or out of the loop around it.
  enum Completion {
    case normal
    case breaks
    case continues
  }

  func execute(_ body: [TemplateStatement]) throws -> Completion {
    try nested {
      for statement in body {
        try meter.step()
        at(statement.line)
        let completion = try execute(statement)
        if completion != .normal { return completion }
      }
      return .normal
    }
  }

  private func execute(_ statement: TemplateStatement) throws -> Completion {
    switch statement.kind {
    case .text(let bytes): try write(bytes)
    case .output(let values): try executeOutput(values)
    case .choice(let branches, let otherwise): return try executeChoice(branches, otherwise)
    case .loop(let loop): try executeLoop(loop)
    case .assign(let target, let value): try executeAssignment(target, value)
    case .assignBlock(let target, let filters, let body):
      return try executeAssignment(target, filters, body)
    case .macro(let variable, let macro): try assign(makeMacro(macro), to: variable)
    case .call(let block): try executeCall(block)
    case .filter(let filters, let body): return try executeFilter(filters, body)
    case .with(let bindings, let body): return try executeWith(bindings, body)
    case .scope(let body):
      return try inScope(makeScope(body, inside: scope)) { try execute(body.statements) }
    case .breakLoop: return .breaks
    case .continueLoop: return .continues
    case .unsupported(let message): throw TemplateFault.runtime(message)
    }
    return .normal
  }

  private func executeOutput(_ values: [TemplateExpression]) throws {
    for value in values {
      let value = try evaluate(value)
      if case .string(let text) = value {
        try write(text.bytes)
      } else {
        try write(TemplatePrinter.text(value, meter).bytes)
      }
    }
  }

  private func executeChoice(
    _ branches: [TemplateBranch], _ otherwise: [TemplateStatement]
  ) throws -> Completion {
    for branch in branches where try evaluate(branch.condition).isTrue {
      return try execute(branch.body)
    }
    return try execute(otherwise)
  }

  // MARK: Loops

  private func executeLoop(_ loop: TemplateLoop) throws {
    let iterable = try evaluate(loop.iterable)
    if loop.isRecursive {
      try write(renderRecursively(loop, iterable, outer: scope, level: 0))
    } else {
      try run(loop, over: iterable, outer: scope, level: 0)
    }
  }

  private func renderRecursively(
    _ loop: TemplateLoop, _ iterable: TemplateValue, outer: TemplateScope?, level: Int
  ) throws -> [UInt8] {
    try capture { try run(loop, over: iterable, outer: outer, level: level) }.text
  }

  private func run(
    _ loop: TemplateLoop, over iterable: TemplateValue, outer: TemplateScope?, level: Int
  ) throws {
    var elements = try self.elements(of: iterable)
    if let condition = loop.condition {
      elements = try elements.filter { element in
        try nested {
          try inScope(TemplateScope(parent: outer)) {
            try bind(element, to: loop.target)
            return try evaluate(condition).isTrue
          }
        }
      }
    }
    let context = try TemplateLoopContext(
      elements, level: level, recurse: recursion(of: loop, outer: outer, level: level))
    let entered = scope
    defer { scope = entered }
    var ranToEnd = false
    for (index, element) in elements.enumerated() {
      try meter.spend(2)
      context.index = index
      let inner = makeScope(loop.body, inside: outer)
      inner[loop.loopVariable] = .loop(context)
      scope = inner
      try bind(element, to: loop.target)
      let completion = try execute(loop.body.statements)
      if completion == .breaks { break }
      // As in jinja2, an iteration that is cut short does not count against the else branch.
      if completion == .normal { ranToEnd = true }
    }
    if !ranToEnd, let otherwise = loop.otherwise {
      scope = makeScope(otherwise, inside: outer)
      _ = try execute(otherwise.statements)
    }
  }

  private func recursion(
    of loop: TemplateLoop, outer: TemplateScope?, level: Int
  ) -> ((TemplateValue) throws -> TemplateValue)? {
    guard loop.isRecursive else { return nil }
    return { [unowned self] iterable in
      .text(try self.renderRecursively(loop, iterable, outer: outer, level: level + 1))
    }
  }

  // MARK: Assignments

  func bind(_ value: TemplateValue, to target: TemplateTarget) throws {
    switch target {
    case .variable(let variable): assign(value, to: variable)
    case .attribute(let variable, let name):
      try namespace(of: variable)[TemplateGlobals.checkedName(name)] = value
    case .tuple(let targets):
      let values = try elements(of: value, unpackedBy: targets.count)
      for (target, value) in zip(targets, values) { try bind(value, to: target) }
    }
  }

  private func elements(of value: TemplateValue, unpackedBy count: Int) throws -> [TemplateValue] {
    guard let values = try? elements(of: value) else {
      throw TemplateFault.runtime("cannot unpack non-iterable \(value.typeName) object")
    }
    if values.count < count {
      throw TemplateFault.runtime(
        "not enough values to unpack (expected \(count), got \(values.count))")
    }
    if values.count > count {
      throw TemplateFault.runtime("too many values to unpack (expected \(count))")
    }
    return values
  }

  private func namespace(of variable: Int) throws -> TemplateNamespace {
    guard case .namespace(let namespace) = value(of: variable) else {
      throw TemplateFault.runtime("cannot assign attribute on non-namespace object")
    }
    return namespace
  }

  private func checkNamespaces(in target: TemplateTarget) throws {
    switch target {
    case .variable: break
    case .attribute(let variable, _): _ = try namespace(of: variable)
    case .tuple(let targets): for target in targets { try checkNamespaces(in: target) }
    }
  }

  private func executeAssignment(_ target: TemplateTarget, _ value: TemplateExpression) throws {
    try checkNamespaces(in: target)
    try bind(evaluate(value), to: target)
  }

  private func executeAssignment(
    _ target: TemplateTarget, _ filters: [TemplateFilterCall], _ body: TemplateBlock
  ) throws -> Completion {
    let inner = makeScope(body, inside: scope)
    let (text, completion) = try capture { try inScope(inner) { try execute(body.statements) } }
    if completion != .normal { return completion }
    let value = try inScope(inner) { try apply(filters, to: .text(text)) }
    try bind(value, to: target)
    return .normal
  }

  /// Writes the result of a block, which jinja2 does not make a text by itself.
  func writeText(_ value: TemplateValue) throws {
    guard case .string(let text) = value else {
      throw TemplateFault.runtime(
        "sequence item 0: expected str instance, \(value.typeName) found")
    }
    try write(text.bytes)
  }

  private func apply(_ filters: [TemplateFilterCall], to value: TemplateValue) throws
    -> TemplateValue
  {
    var value = value
    for filter in filters { value = try apply(filter, to: value) }
    return value
  }

  private func executeFilter(
    _ filters: [TemplateFilterCall], _ body: TemplateBlock
  ) throws -> Completion {
    let inner = makeScope(body, inside: scope)
    let (text, completion) = try capture { try inScope(inner) { try execute(body.statements) } }
    if completion != .normal { return completion }
    try writeText(inScope(inner) { try apply(filters, to: .text(text)) })
    return .normal
  }

  private func executeWith(
    _ bindings: [(target: TemplateTarget, value: TemplateExpression)], _ body: TemplateBlock
  ) throws -> Completion {
    let values = try bindings.map { try evaluate($0.value) }
    return try inScope(makeScope(body, inside: scope)) {
      for (binding, value) in zip(bindings, values) { try bind(value, to: binding.target) }
      return try execute(body.statements)
    }
  }
}
