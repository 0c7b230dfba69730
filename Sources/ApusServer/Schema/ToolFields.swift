import ApusCore
import ApusText

/// The functions a model may ask for, and whether it must.
struct ToolSelection: Sendable {
  enum Mode: Sendable, Equatable {
    case none
    case auto
    /// A call of this function, and nothing else.
    case forced(String)
  }

  /// As templates read them: `{"type": "function", "function": {...}}`.
  private(set) var tools: [JSONValue] = []
  private(set) var mode = Mode.none
  private(set) var allowsSeveral = true

  init() {}

  /// `allowsSeveral` is false where one answer may hold one call only.
  init(tools: [JSONValue], choice: ToolChoice, allowsSeveral: Bool) throws(ToolChoiceError) {
    self.allowsSeveral = allowsSeveral
    var tools = tools
    var choice = choice
    if case .allowed(let names, let required) = choice {
      for name in names { try Self.check(name, tools) }
      tools = tools.filter { names.contains(Self.name($0)) }
      choice = required ? .required : .auto
    }
    switch choice {
    case .none: return
    case .auto, .allowed: mode = tools.isEmpty ? .none : .auto
    case .required:
      guard let only = tools.first else { throw .noTools }
      // Which of several the model would begin to call cannot be constrained.
      guard tools.count == 1 else { throw .cannotRequire(tools.count) }
      mode = .forced(Self.name(only))
    case .named(let name):
      try Self.check(name, tools)
      mode = .forced(name)
    }
    self.tools = tools
    if mode != .auto { self.allowsSeveral = false }
  }

  private static func check(_ name: String, _ tools: [JSONValue]) throws(ToolChoiceError) {
    guard tools.contains(where: { self.name($0) == name }) else { throw .unknown(name) }
  }

  private static func name(_ tool: JSONValue) -> String {
    tool["function"]?["name"]?.stringValue ?? ""
  }

  var definitions: [ToolDefinition] {
    tools.map {
      ToolDefinition(name: Self.name($0), parameters: $0["function"]?["parameters"] ?? .null)
    }
  }

  /// The function that must be called.
  var forced: String? { if case .forced(let name) = mode { name } else { nil } }
}

/// What a request says about the use of its tools.
enum ToolChoice: Sendable, Equatable {
  case none
  case auto
  case required
  case named(String)
  case allowed([String], required: Bool)
}

/// Why a choice cannot be kept.
enum ToolChoiceError: Error, Equatable {
  case noTools
  case unknown(String)
  case cannotRequire(Int)

  /// As the field of that name is told.
  func refusal(_ name: String, _ fields: FieldReader) -> RequestError {
    switch self {
    case .noTools: fields.invalid(name, "asks for a call, but 'tools' is empty")
    case .unknown(let tool): fields.invalid(name, "names '\(tool)', which is not in 'tools'")
    case .cannotRequire(let count):
      fields.unsupported(
        name,
        "cannot require a call of one of \(count) tools, which takes constrained decoding; name one tool"
      )
    }
  }
}

extension ToolSelection {
  /// From `tools`, `tool_choice` and `parallel_tool_calls`; `isFlat` is true where a tool's fields stand beside its
  /// type, as in the Responses interface.
  init(_ fields: FieldReader, isFlat: Bool = false) throws {
    let tools = try Self.tools(fields, isFlat: isFlat)
    let choice = try Self.choice(fields, isFlat: isFlat) ?? (tools.isEmpty ? .none : .auto)
    let parallel = try fields.bool("parallel_tool_calls") ?? true
    do {
      self = try ToolSelection(tools: tools, choice: choice, allowsSeveral: parallel)
    } catch {
      throw error.refusal("tool_choice", fields)
    }
  }

  private static func tools(_ fields: FieldReader, isFlat: Bool) throws -> [JSONValue] {
    try (fields.array("tools") ?? []).enumerated().map { index, tool in
      let nested = try fields.element(tool, "tools", index)
      let type = try nested.required("type")
      guard type == "function" else {
        throw nested.unsupported("type", "'\(type)' is not supported; it must be 'function'")
      }
      guard let function = isFlat ? nested.object : try nested.object("function") else {
        throw nested.invalid("function", "is missing")
      }
      let prefix = nested.path(isFlat ? "" : "function.")
      return try Self.function(FieldReader(function, prefix: prefix))
    }
  }

  /// A tool as templates read it.
  static func function(
    _ fields: FieldReader, parameters name: String = "parameters"
  ) throws -> JSONValue {
    guard let tool = try fields.string("name"), !tool.isEmpty else {
      throw fields.invalid("name", "is missing")
    }
    if try fields.bool("strict") == true {
      throw fields.unsupported("strict", "needs constrained decoding, which is not supported")
    }
    var function = JSONObject([("name", .string(tool))])
    if let text = try fields.string("description") { function["description"] = .string(text) }
    function["parameters"] = .object(
      try fields.object(name)
        ?? JSONObject([("type", "object"), ("properties", .object(JSONObject()))]))
    return ["type": "function", "function": .object(function)]
  }

  private static func choice(_ fields: FieldReader, isFlat: Bool) throws -> ToolChoice? {
    let name = "tool_choice"
    switch fields.value(name) {
    case nil: return nil
    case .string("none"): return ToolChoice.none
    case .string("auto"): return .auto
    case .string("required"): return .required
    case .object(let object):
      let nested = FieldReader(object, prefix: fields.path(name) + ".")
      let type = try nested.string("type")
      switch type {
      case "function":
        return .named(try tool(nested, isFlat: isFlat))
      case "allowed_tools":
        let inner = isFlat ? object : try nested.object("allowed_tools") ?? JSONObject()
        return try allowed(
          FieldReader(inner, prefix: nested.path(isFlat ? "" : "allowed_tools.")), isFlat: isFlat)
      case nil: throw nested.invalid("type", "is missing")
      case let type?: throw nested.unsupported("type", "'\(type)' is not supported")
      }
    default:
      throw fields.invalid(name, "must be 'none', 'auto', 'required' or an object")
    }
  }

  private static func tool(_ fields: FieldReader, isFlat: Bool) throws -> String {
    let inner = isFlat ? fields.object : try fields.object("function") ?? JSONObject()
    let prefix = fields.path(isFlat ? "" : "function.")
    return try FieldReader(inner, prefix: prefix).required("name")
  }

  private static func allowed(_ fields: FieldReader, isFlat: Bool) throws -> ToolChoice {
    let mode = try fields.string("mode") ?? "auto"
    guard ["auto", "required"].contains(mode) else {
      throw fields.invalid("mode", "must be 'auto' or 'required'")
    }
    let names = try (fields.array("tools") ?? []).enumerated().map { index, value in
      try tool(fields.element(value, "tools", index), isFlat: isFlat)
    }
    return .allowed(names, required: mode == "required")
  }
}
