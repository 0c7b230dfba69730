import ApusCore
import ApusEngine
import ApusText

/// A text to continue.
public struct TextRequest: Sendable {
  /// The prompt's tokens, and how the next ones are chosen.
  public var generation: GenerationRequest
  /// Texts that end the answer; they are not part of it.
  public var stopStrings: [String] = []
  /// Special tokens of the answer are left out of the text.
  public var skipSpecialTokens = true
  /// Special tokens that stay in the text all the same.
  public var keptSpecialTokens: Set<TokenID> = []
  /// Ends only at the limit, whatever the model says.
  public var ignoreEndOfText = false

  public init(prompt: [TokenID]) { generation = GenerationRequest(prompt: prompt) }

  /// Continues a text as it is, without a chat template.
  public init(_ text: String, for model: LanguageModel) {
    self.init(prompt: model.tokenizer.encode(text))
  }

  /// Writes the next turn of a conversation, whose turns are objects with `role` and `content`.
  ///
  /// Throws `ChatTemplateError` where the model's template refuses them.
  public init(messages: [JSONValue], for model: LanguageModel) throws {
    self.init(prompt: model.tokens(ofRenderedPrompt: try model.prompt(messages: messages)))
  }
}
