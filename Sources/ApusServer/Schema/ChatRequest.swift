import Apus
import ApusCore

/// The body of `/v1/chat/completions`.
struct ChatRequest: Sendable {
  let prompt: ChatPrompt
  let options: GenerationOptions
  /// Alternatives to report for each token; nil means no log-probabilities.
  let logprobs: Int?

  init(_ body: JSONObject, vocabularySize: Int) throws {
    let fields = FieldReader(body)
    prompt = try ChatPrompt(fields)
    options = try GenerationOptions(fields, vocabularySize: vocabularySize, maxTokens: nil)
    if options.maxTokens == 0 {
      let name = fields.has("max_completion_tokens") ? "max_completion_tokens" : "max_tokens"
      throw fields.invalid(name, "must be at least 1")
    }
    let wanted = try fields.bool("logprobs") ?? false
    let count = try fields.int("top_logprobs", in: 0...20)
    if let count, count > 0, !wanted {
      throw fields.invalid("top_logprobs", "needs 'logprobs': true")
    }
    logprobs = wanted ? count ?? 0 : nil
    if try fields.bool("echo") == true { throw fields.unsupported("echo") }
  }
}

/// What a chat template is rendered with.
struct ChatPrompt: Sendable {
  let messages: [JSONValue]
  let tools: JSONValue?
  let addGenerationPrompt: Bool
  let arguments: JSONObject

  init(_ fields: FieldReader) throws {
    messages = try ChatMessages.read(fields)
    tools = try ChatMessages.tools(fields)
    addGenerationPrompt = try fields.bool("add_generation_prompt") ?? true
    var arguments = JSONObject()
    if let effort = try fields.string("reasoning_effort") {
      arguments["reasoning_effort"] = .string(effort)
    }
    for (name, value) in try fields.object("chat_template_kwargs")?.entries ?? [] {
      arguments[name] = value
    }
    self.arguments = arguments
  }

  /// Roughly how much text there is.
  var byteCount: Int {
    messages.reduce(0) { $0 + ($1["content"]?.stringValue?.utf8.count ?? 0) }
  }

  /// The text the model continues.
  func render(_ model: LanguageModel) throws -> String {
    try model.prompt(
      messages: messages, tools: tools, addGenerationPrompt: addGenerationPrompt,
      arguments: arguments)
  }
}
