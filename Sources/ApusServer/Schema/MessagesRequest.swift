import Apus
import ApusCore

/// The body of `/v1/messages`, Anthropic's interface.
struct MessagesRequest: Sendable {
  let prompt: ChatPrompt
  let options: GenerationOptions

  /// `needsLimit` is false where nothing is generated.
  init(_ body: JSONObject, vocabularySize: Int, needsLimit: Bool = true) throws {
    let fields = FieldReader(body)
    try fields.refuse([
      "container", "context_management", "mcp_servers", "output_format", "diagnostics",
      "inference_geo",
    ])
    let conversation = try AnthropicMessages(fields)
    var prompt = ChatPrompt(messages: conversation.messages)
    prompt.prefill = conversation.prefill
    prompt.tools = try Self.tools(fields)
    prompt.reasoning = try Self.reasoning(fields)
    prompt.arguments = try fields.object("chat_template_kwargs") ?? JSONObject()
    self.prompt = prompt
    if needsLimit {
      guard try fields.int("max_tokens", in: 1...Int(Int32.max)) != nil else {
        throw fields.invalid("max_tokens", "is missing")
      }
    }
    for stop in try fields.array("stop_sequences") ?? [] where stop.stringValue?.isEmpty != false {
      throw fields.invalid("stop_sequences", "must hold strings that are not empty")
    }
    var translated = try fields.translated(
      dropping: [
        "system", "messages", "tools", "tool_choice", "thinking", "stop_sequences", "metadata",
        "output_config",
      ], renaming: [("stop_sequences", "stop")])
    if let metadata = try fields.object("metadata") {
      let user = try FieldReader(metadata, prefix: "metadata.").string("user_id")
      translated["user"] = user.map { .string($0) } ?? .null
    }
    options = try GenerationOptions(
      FieldReader(translated), vocabularySize: vocabularySize, maxTokens: nil)
  }

  private static func tools(_ fields: FieldReader) throws -> ToolSelection {
    let tools = try (fields.array("tools") ?? []).enumerated().map { index, value in
      let tool = try fields.element(value, "tools", index)
      if let type = try tool.string("type"), type != "custom" {
        throw tool.unsupported("type", "'\(type)' is not supported; it must be 'custom'")
      }
      return try ToolSelection.function(tool, parameters: "input_schema")
    }
    var choice = tools.isEmpty ? ToolChoice.none : .auto
    var allowsSeveral = true
    if let object = try fields.object("tool_choice") {
      let nested = FieldReader(object, prefix: "tool_choice.")
      switch try nested.required("type") {
      case "auto": choice = .auto
      case "any": choice = .required
      case "none": choice = .none
      case "tool": choice = .named(try nested.required("name"))
      default: throw nested.invalid("type", "must be auto, any, tool or none")
      }
      allowsSeveral = try !(nested.bool("disable_parallel_tool_use") ?? false)
    }
    do {
      return try ToolSelection(tools: tools, choice: choice, allowsSeveral: allowsSeveral)
    } catch {
      throw error.refusal("tool_choice", fields)
    }
  }

  /// What is not said is off, where the model can be told so.
  private static func reasoning(_ fields: FieldReader) throws -> ReasoningWish? {
    if let output = try fields.object("output_config") {
      let nested = FieldReader(output, prefix: "output_config.")
      try nested.refuse(["format"])
      if let wish = try ReasoningWish.effort(nested, "effort") { return wish }
    }
    guard let object = try fields.object("thinking") else { return .thinking(false, isSaid: false) }
    let nested = FieldReader(object, prefix: "thinking.")
    if try nested.string("display") == "omitted" { throw nested.unsupported("display") }
    switch try nested.required("type") {
    case "disabled": return .thinking(false, isSaid: true)
    case "adaptive": return nil
    case "enabled":
      // How long the model thinks is up to it, within max_tokens.
      _ = try nested.int("budget_tokens", in: 1...Int(Int32.max))
      return .thinking(true, isSaid: true)
    default: throw nested.invalid("type", "must be enabled, disabled or adaptive")
    }
  }
}
