import ApusCore

/// A parsed chat template: a Jinja template as Hugging Face models carry it, rendered as `apply_chat_template` does.
///
/// Templates are untrusted. Parsing is linear in the source; a render is given a budget of steps, memory and depth in
/// proportion to its input, and throws when it is spent.
public struct ChatTemplate: Sendable {
  /// The text it was parsed from.
  public let source: String
  private let program: TemplateProgram

  /// Parses a template; throws `ChatTemplateError`.
  public init(_ source: String) throws {
    self.source = source
    program = try TemplateParser.parse(source)
  }

  /// Renders with the given variables; throws `ChatTemplateError`.
  ///
  /// `now` is what the template's `strftime_now` prints.
  public func render(
    _ context: JSONObject, now: () -> ChatTemplateDate = { .now }
  ) throws -> String {
    try withoutActuallyEscaping(now) { now in
      do {
        return try TemplateInterpreter(program, context: context, now: now).run()
      } catch let fault as TemplateFault {
        throw fault.located(at: 1)
      }
    }
  }
}

extension ChatTemplate {
  /// Renders a conversation under the names that Hugging Face gives its parts; throws `ChatTemplateError`.
  ///
  /// `arguments` are further variables (such as `enable_thinking`) and take precedence over the tokens. A message's
  /// reasoning is passed on under every name that templates read.
  public func render(
    messages: [JSONValue], tools: JSONValue? = nil, documents: JSONValue? = nil,
    addGenerationPrompt: Bool, bosToken: String, eosToken: String,
    arguments: JSONObject = JSONObject(), now: () -> ChatTemplateDate = { .now }
  ) throws -> String {
    var context = JSONObject()
    context["bos_token"] = .string(bosToken)
    context["eos_token"] = .string(eosToken)
    for (name, value) in arguments.entries { context[name] = value }
    context["messages"] = .array(messages.map(Self.withReasoningNames))
    context["tools"] = tools ?? .null
    context["documents"] = documents ?? .null
    context["add_generation_prompt"] = .bool(addGenerationPrompt)
    return try render(context, now: now)
  }

  /// Older names of the reasoning, the standard one first.
  private static let reasoningNames = ["reasoning_content", "thinking", "reasoning"]

  private static func withReasoningNames(_ message: JSONValue) -> JSONValue {
    guard case .object(let object) = message,
      let name = reasoningNames.first(where: { !(object[$0] ?? .null).isNull }),
      let reasoning = object[name]
    else { return message }
    var entries = object.entries
    if object["thinking"] == nil { entries.insert(("thinking", reasoning), at: 0) }
    var result = JSONObject(entries)
    result["reasoning_content"] = reasoning
    return .object(result)
  }

  /// The ChatML format, for models that have no template of their own.
  public static let chatML: ChatTemplate = {
    let source = """
      {%- for message in messages -%}
      {{- '<|im_start|>' + message.role + '\\n' -}}
      {%- if message.content is string -%}
      {{- message.content -}}
      {%- else -%}
      {%- for part in message.content or [] if part.type == 'text' -%}
      {{- part.text -}}
      {%- endfor -%}
      {%- endif -%}
      {{- '<|im_end|>\\n' -}}
      {%- endfor -%}
      {%- if add_generation_prompt -%}
      {{- '<|im_start|>assistant\\n' -}}
      {%- endif -%}
      """
    do {
      return try ChatTemplate(source)
    } catch {
      preconditionFailure("the built-in template: \(error)")
    }
  }()
}
