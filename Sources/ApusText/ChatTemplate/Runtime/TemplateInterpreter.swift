import ApusCore

/// Runs one render of a template.
final class TemplateInterpreter {
  let program: TemplateProgram
  let meter: TemplateMeter
  let now: () -> ChatTemplateDate
  /// Variables of the template's top level by number: what the context gives, what `set` assigns.
  var globals: [TemplateValue?]
  var scope: TemplateScope?
  private(set) var line = 1
  private var depth = 0
  private var output: [UInt8] = []
  /// What may refer to itself, to be taken apart at the end.
  private var namespaces: [TemplateNamespace] = []
  private var capturedScopes: [TemplateScope] = []
  private var keptLoops: [TemplateLoopContext] = []

  init(_ program: TemplateProgram, context: JSONObject, now: @escaping () -> ChatTemplateDate)
    throws
  {
    self.program = program
    self.now = now
    let size = context.entries.reduce(0) { $0 + $1.key.utf8.count + $1.value.size() }
    let meter = TemplateMeter(inputBytes: size)
    self.meter = meter
    var globals = try program.names.map { name -> TemplateValue? in
      if let value = context[name] { return try TemplateValue(value, meter) }
      return TemplateGlobals.value(name)
    }
    for variable in program.undefinedVariables[0] { globals[variable] = nil }
    self.globals = globals
  }

  /// Renders the whole template; works once.
  func run() throws -> String {
    defer {
      for namespace in namespaces { namespace.clear() }
      for scope in capturedScopes { scope.clear() }
      for loop in keptLoops { loop.clear() }
    }
    do {
      _ = try execute(program.body.statements)
      return String(decoding: output, as: UTF8.self)
    } catch let fault as TemplateFault {
      throw fault.located(at: line)
    }
  }

  func at(_ line: Int) {
    self.line = line
  }

  // MARK: Depth

  /// Runs something nested, within what the stack of a small thread holds.
  @inline(__always)
  func nested<Result>(_ body: () throws -> Result) throws -> Result {
    depth += 1
    defer { depth -= 1 }
    if depth > TemplateMeter.depthLimit {
      throw TemplateFault.limit("recursion deeper than \(TemplateMeter.depthLimit)")
    }
    return try body()
  }

  // MARK: Output

  func write(_ bytes: [UInt8]) throws {
    try meter.allocate(bytes.count)
    if output.count + bytes.count > meter.textLimit {
      try meter.makeText(output.count + bytes.count)
    }
    output.append(contentsOf: bytes)
  }

  /// What a body writes, and how it ends.
  func capture<Result>(_ body: () throws -> Result) throws -> (text: [UInt8], result: Result) {
    let outer = output
    output = []
    let result = try body()
    let text = output
    output = outer
    return (text, result)
  }

  // MARK: Variables

  func value(of variable: Int) -> TemplateValue {
    var current = scope
    while let scope = current {
      if let value = scope[variable] { return value }
      current = scope.parent
    }
    return globals[variable] ?? TemplateUndefined.variable(program.names[variable])
  }

  func assign(_ value: TemplateValue, to variable: Int) {
    if let scope { scope[variable] = value } else { globals[variable] = value }
  }

  func makeNamespace() throws -> TemplateNamespace {
    try meter.spend(8)
    try meter.allocate(512)
    let namespace = TemplateNamespace()
    namespaces.append(namespace)
    return namespace
  }

  /// A scope for the variables of a block.
  func makeScope(_ block: TemplateBlock, inside parent: TemplateScope?) -> TemplateScope {
    let scope = TemplateScope(parent: parent)
    for variable in program.undefinedVariables[block.scope] {
      scope[variable] = TemplateUndefined.variable(program.names[variable])
    }
    return scope
  }

  /// Keeps a loop whose memory of values is to be cleared at the end.
  func keep(_ loop: TemplateLoopContext) throws {
    try meter.allocate(256)
    keptLoops.append(loop)
  }

  /// The scope that a macro defined here sees.
  func captureScope() throws -> TemplateScope? {
    try meter.spend(8)
    try meter.allocate(1024)
    if let scope, !scope.isCaptured {
      scope.isCaptured = true
      capturedScopes.append(scope)
    }
    return scope
  }

  /// Runs something in another scope.
  func inScope<Result>(_ inner: TemplateScope?, _ body: () throws -> Result) throws -> Result {
    let outer = scope
    scope = inner
    defer { scope = outer }
    return try body()
  }
}
