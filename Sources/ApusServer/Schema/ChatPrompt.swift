import Apus
import ApusCore
import ApusText

/// What the server was started with for the messages that models write.
struct MessageSettings: Sendable {
  /// The name of a tool call format; nil means the one that the template speaks of.
  var toolCallParser: String?
  var reasoningFormat = ReasoningFormat.auto
}

/// What a chat template is rendered with.
struct ChatPrompt: Sendable {
  let messages: [JSONValue]
  var tools = ToolSelection()
  var addGenerationPrompt = true
  /// Further variables; they take precedence over what `reasoning` says.
  var arguments = JSONObject()
  var reasoning: ReasoningWish?
  /// nil means what the server was started with.
  var reasoningFormat: ReasoningFormat?
  /// How the answer begins.
  var prefill = ""

  init(messages: [JSONValue]) { self.messages = messages }

  /// From the fields of `/v1/chat/completions`.
  init(_ fields: FieldReader) throws {
    messages = try ChatMessages.read(fields)
    tools = try ToolSelection(fields)
    addGenerationPrompt = try fields.bool("add_generation_prompt") ?? true
    reasoning = try .effort(fields, "reasoning_effort")
    arguments = try fields.object("chat_template_kwargs") ?? JSONObject()
    if let name = try fields.string("reasoning_format") {
      guard let format = ReasoningFormat(rawValue: name) else {
        let valid = ReasoningFormat.allCases.map(\.rawValue).joined(separator: ", ")
        throw fields.invalid("reasoning_format", "must be one of \(valid)")
      }
      reasoningFormat = format
    }
  }

  /// Roughly how much text there is.
  var byteCount: Int {
    messages.reduce(0) { $0 + ($1["content"]?.stringValue?.utf8.count ?? 0) }
  }

  /// The text the model continues, and how its answer is taken apart.
  func prepare(_ model: LanguageModel, _ settings: MessageSettings) throws -> PreparedChat {
    let template = model.chatTemplate
    let concernsTools = !tools.tools.isEmpty || messages.contains(where: Self.isAboutTools)
    let takesTools = concernsTools && template.takesTools
    let format = try toolFormat(template, takesTools: takesTools, settings)
    var given = messages
    if concernsTools, !takesTools {
      given = ToolPrompt.messages(messages, tools: tools.tools)
    }
    var arguments = try reasoning?.arguments(template.source) ?? JSONObject()
    for (name, value) in self.arguments.entries { arguments[name] = value }
    var text = try model.prompt(
      messages: given, tools: takesTools && !tools.tools.isEmpty ? .array(tools.tools) : nil,
      addGenerationPrompt: addGenerationPrompt, arguments: arguments)
    let tags = (reasoningFormat ?? settings.reasoningFormat).tags(in: template.source)
    var isOpen = (ReasoningTags.named(in: template.source) ?? tags)?.areOpen(at: text) ?? false
    text += prefill
    if !prefill.isEmpty { isOpen = false }
    if let name = tools.forced, let format {
      if isOpen, let named = ReasoningTags.named(in: template.source) {
        text += "\n\(named.closing)\n\n"
      }
      isOpen = false
      text += format.opening(of: name)
    }
    let reasons = tags != nil && tools.forced == nil && prefill.isEmpty
    return PreparedChat(
      text: text,
      parser: MessageParser(
        reasoning: reasons ? tags.map { ReasoningSplitter($0, isOpen: isOpen) } : nil,
        calls: format.map {
          ToolCallSplitter(
            $0, tools: tools.definitions, allowsSeveral: tools.allowsSeveral, forced: tools.forced)
        }),
      markers: (format?.markers ?? [])
        + (reasons ? tags.map { [$0.opening, $0.closing] } ?? [] : []))
  }

  /// The format of the calls; nil for a request without tools.
  private func toolFormat(
    _ template: ChatTemplate, takesTools: Bool, _ settings: MessageSettings
  ) throws -> (any ToolCallFormat)? {
    guard !tools.tools.isEmpty else { return nil }
    let hermes = "hermes"
    if let name = settings.toolCallParser {
      guard takesTools || name == hermes else {
        throw RequestError.unsupported(
          parameter: "tools",
          "'tools': this model's chat template takes none, and the parser '\(name)' needs one that does"
        )
      }
      return try ToolCallFormats.catalog.find(name)
    }
    if !takesTools { return try ToolCallFormats.catalog.find(hermes) }
    guard let format = ToolCallFormats.named(in: template.source) else {
      throw RequestError.unsupported(
        parameter: "tools",
        "'tools': how this model writes tool calls is not known; the server's --tool-call-parser can say it"
      )
    }
    return format
  }

  private static func isAboutTools(_ message: JSONValue) -> Bool {
    message["role"] == "tool" || message["tool_calls"] != nil
  }
}

/// A conversation, ready for the model.
struct PreparedChat: Sendable {
  let text: String
  let parser: MessageParser
  /// Texts that may be special tokens and have to stay in the answer.
  let markers: [String]

  /// The special tokens that the parser needs to see.
  func keptTokens(_ model: LanguageModel) -> Set<TokenID> {
    Set(markers.compactMap { model.tokenizer.id(of: $0) }.filter(model.tokenizer.isSpecial))
  }
}

extension LanguageModel {
  /// Renders a conversation and turns it into tokens.
  func prepare(
    _ prompt: ChatPrompt, _ settings: MessageSettings
  ) async throws -> (chat: PreparedChat, tokens: [TokenID]) {
    try await HeavyWork.run(byteCount: prompt.byteCount) {
      let chat = try prompt.prepare(self, settings)
      return (chat, self.tokens(ofRenderedPrompt: chat.text))
    }
  }
}
