/// The variables of one loop iteration, macro call or block, inside those of the blocks around it.
final class TemplateScope {
  let parent: TemplateScope?
  private var variables: [(number: Int, value: TemplateValue)] = []
  /// Whether a macro refers to the scope, so that it may refer to itself.
  var isCaptured = false

  init(parent: TemplateScope?) {
    self.parent = parent
  }

  subscript(variable: Int) -> TemplateValue? {
    get { variables.first { $0.number == variable }?.value }
    set {
      let value = newValue ?? .none
      if let index = variables.firstIndex(where: { $0.number == variable }) {
        variables[index].value = value
      } else {
        variables.append((variable, value))
      }
    }
  }

  /// Lets go of all variables, so that macros and scopes that refer to each other are freed.
  func clear() {
    variables = []
  }
}

/// The `loop` of a for statement.
final class TemplateLoopContext {
  let elements: [TemplateValue]
  var index = 0
  /// How many recursive calls of the loop are around this one.
  let level: Int
  let depth: Int
  /// Renders the loop's body over other elements, if the loop is recursive.
  let recurse: ((TemplateValue) throws -> TemplateValue)?
  /// What `changed` was called with, which may be the loop itself.
  private var lastChanged: [TemplateValue]?

  init(
    _ elements: [TemplateValue], level: Int, recurse: ((TemplateValue) throws -> TemplateValue)?
  ) throws {
    self.elements = elements
    self.level = level
    self.recurse = recurse
    depth = try TemplateList.depth(over: elements)
  }

  /// Lets go of what `changed` kept.
  func clear() {
    lastChanged = nil
  }

  func attribute(_ name: String) -> TemplateValue? {
    switch name {
    case "index": .integer(index + 1)
    case "index0": .integer(index)
    case "revindex": .integer(elements.count - index)
    case "revindex0": .integer(elements.count - index - 1)
    case "first": .bool(index == 0)
    case "last": .bool(index == elements.count - 1)
    case "length": .integer(elements.count)
    case "depth": .integer(level + 1)
    case "depth0": .integer(level)
    case "previtem": neighbour(index - 1, "there is no previous item")
    case "nextitem": neighbour(index + 1, "there is no next item")
    case "cycle": .function(TemplateFunction("cycle", depth: depth) { try self.cycle($1) })
    case "changed":
      .function(TemplateFunction("changed", depth: depth) { try self.changed($0, $1) })
    default: nil
    }
  }

  private func neighbour(_ index: Int, _ message: String) -> TemplateValue {
    elements.indices.contains(index) ? elements[index] : .undefined(TemplateUndefined(message))
  }

  private func cycle(_ arguments: TemplateCallArguments) throws -> TemplateValue {
    guard !arguments.positional.isEmpty else {
      throw TemplateFault.runtime("no items for cycling given")
    }
    return arguments.positional[index % arguments.positional.count]
  }

  private func changed(
    _ interpreter: TemplateInterpreter, _ arguments: TemplateCallArguments
  ) throws -> TemplateValue {
    if let last = lastChanged,
      try TemplateOperators.equal(last, arguments.positional, interpreter.meter)
    {
      return .bool(false)
    }
    if lastChanged == nil { try interpreter.keep(self) }
    lastChanged = arguments.positional
    return .bool(true)
  }
}
