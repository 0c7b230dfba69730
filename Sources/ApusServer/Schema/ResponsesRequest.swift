import Apus
import ApusCore

/// The body of `/v1/responses`, OpenAI's newer interface. Nothing is stored.
struct ResponsesRequest: Sendable {
  let prompt: ChatPrompt
  let options: GenerationOptions
  /// The fields of the request that its answer repeats.
  let echoed: JSONObject

  init(_ body: JSONObject, vocabularySize: Int) throws {
    let fields = FieldReader(body)
    try fields.refuse([
      "store", "previous_response_id", "conversation", "background", "include", "prompt",
      "context_management", "access_programs", "background_options", "image",
    ])
    if let truncation = try fields.string("truncation"), truncation != "disabled" {
      throw fields.unsupported("truncation", "can be 'disabled' only")
    }
    try Self.checkText(fields)
    var prompt = ChatPrompt(messages: try ResponseItems(fields).messages)
    prompt.tools = try ToolSelection(fields, isFlat: true)
    prompt.arguments = try fields.object("chat_template_kwargs") ?? JSONObject()
    if let object = try fields.object("reasoning") {
      let nested = FieldReader(object, prefix: "reasoning.")
      prompt.reasoning = try .effort(nested, "effort")
      for name in ["summary", "generate_summary"] {
        if let summary = try nested.string(name), summary != "auto" {
          throw nested.unsupported(name, "can be 'auto' only; reasoning is told whole")
        }
      }
    }
    self.prompt = prompt
    _ = try fields.int("max_output_tokens", in: 1...Int(Int32.max))
    _ = try fields.int("max_tool_calls", in: 1...Int(Int32.max))
    let translated = try fields.translated(
      dropping: [
        "input", "instructions", "tools", "tool_choice", "text", "reasoning", "store",
        "max_output_tokens",
      ], renaming: [("max_output_tokens", "max_tokens")])
    options = try GenerationOptions(
      FieldReader(translated), vocabularySize: vocabularySize, maxTokens: nil)
    var echoed = JSONObject()
    let defaults: [(String, JSONValue)] = [
      ("instructions", .null), ("max_output_tokens", .null), ("max_tool_calls", .null),
      ("metadata", .object(JSONObject())), ("parallel_tool_calls", true),
      ("reasoning", ["effort": nil, "summary": nil]), ("temperature", 1),
      ("text", ["format": ["type": "text"]]),
      ("tool_choice", "auto"), ("tools", []), ("top_p", 1), ("user", .null),
    ]
    for (name, value) in defaults { echoed[name] = fields.value(name) ?? value }
    self.echoed = echoed
  }

  private static func checkText(_ fields: FieldReader) throws {
    guard let object = try fields.object("text") else { return }
    let text = FieldReader(object, prefix: "text.")
    if let verbosity = try text.string("verbosity"), verbosity != "medium" {
      throw text.unsupported("verbosity", "can be 'medium' only")
    }
    guard let format = try text.object("format") else { return }
    let type = try FieldReader(format, prefix: "text.format.").required("type")
    guard type == "text" else {
      throw text.unsupported("format", "of type '\(type)' is not supported")
    }
  }
}
