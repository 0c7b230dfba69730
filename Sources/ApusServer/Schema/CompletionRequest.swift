import Apus
import ApusCore

/// The body of `/v1/completions`.
struct CompletionRequest: Sendable {
  let prompts: [PromptInput]
  let options: GenerationOptions
  /// Alternatives to report for each token; nil means no log-probabilities.
  let logprobs: Int?
  let echo: Bool
  let addSpecialTokens: Bool
  /// What comes after the answer; nil if nothing is said of that.
  let suffix: String?

  /// As in OpenAI's interface, an answer has 16 tokens unless the request says otherwise.
  static let defaultMaxTokens = 16

  init(
    _ body: JSONObject, vocabularySize: Int, maxTokens: Int? = Self.defaultMaxTokens
  ) throws {
    let fields = FieldReader(body)
    prompts = try PromptInput.read(fields, "prompt")
    options = try GenerationOptions(fields, vocabularySize: vocabularySize, maxTokens: maxTokens)
    logprobs = try fields.int("logprobs", in: 0...20)
    echo = try fields.bool("echo") ?? false
    suffix = try fields.string("suffix").flatMap { $0.isEmpty ? nil : $0 }
    if suffix != nil {
      let isText = prompts.allSatisfy { if case .text = $0 { true } else { false } }
      guard isText else { throw fields.invalid("suffix", "needs a prompt of text") }
      if echo { throw fields.invalid("suffix", "cannot be combined with 'echo'") }
    }
    addSpecialTokens = try fields.bool("add_special_tokens") ?? true
    guard prompts.count * options.choiceCount <= PromptInput.limit else {
      throw fields.invalid("prompt", "asks for more than \(PromptInput.limit) answers")
    }
  }
}

/// A prompt as text or as tokens.
enum PromptInput: Sendable, Equatable {
  case text(String)
  case tokens([TokenID])

  /// Prompts in one request.
  static let limit = 1024

  /// A string, an array of strings, an array of tokens or an array of such arrays.
  static func read(_ fields: FieldReader, _ name: String) throws -> [PromptInput] {
    switch fields.value(name) {
    case nil: throw fields.invalid(name, "is missing")
    case .string(let text): return [.text(text)]
    case .array(let elements):
      guard let first = elements.first else { throw fields.invalid(name, "must not be empty") }
      if first.doubleValue != nil { return [.tokens(try fields.tokens(elements, name))] }
      guard elements.count <= limit else {
        throw fields.invalid(name, "must hold at most \(limit) prompts, not \(elements.count)")
      }
      return try elements.map { element in
        switch element {
        case .string(let text): .text(text)
        case .array(let ids): .tokens(try fields.tokens(ids, name))
        default: throw fields.invalid(name, "must hold strings or token ids, not \(element.kind)")
        }
      }
    case .some(let value):
      throw fields.mismatch(name, "a string, an array of strings or token ids", value)
    }
  }

  var byteCount: Int {
    switch self {
    case .text(let text): text.utf8.count
    case .tokens(let tokens): tokens.count * 4
    }
  }

  func tokens(_ model: LanguageModel, addSpecialTokens: Bool) -> [TokenID] {
    switch self {
    case .text(let text): model.tokenizer.encode(text, addSpecialTokens: addSpecialTokens)
    case .tokens(let tokens): tokens
    }
  }

  func text(_ model: LanguageModel) -> String {
    switch self {
    case .text(let text): text
    case .tokens(let tokens): model.tokenizer.decode(tokens)
    }
  }
}
