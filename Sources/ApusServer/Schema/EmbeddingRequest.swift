import Apus
import ApusCore
import ApusModels
import ApusScheduling

/// The body of `/v1/embeddings`; with `content` in place of `input`, llama-server's own.
struct EmbeddingRequest: Sendable {
  let inputs: [PromptInput]
  /// "input" or "content".
  let field: String
  let options: EmbeddingOptions
  let texts: TextOptions
  let encodesBase64: Bool

  init(_ body: JSONObject, pooling: Pooling?) throws {
    let fields = FieldReader(body)
    try EmbeddingFields.check(fields)
    field = !fields.has("input") && fields.has("content") ? "content" : "input"
    inputs = try PromptInput.read(fields, field)
    texts = try TextOptions(fields)
    switch try fields.string("encoding_format") {
    case nil, "float": encodesBase64 = false
    case "base64": encodesBase64 = true
    case .some(let format):
      throw fields.invalid("encoding_format", "must be 'float' or 'base64', not '\(format)'")
    }
    var options = EmbeddingOptions()
    options.pooling = pooling
    options.dimensions = try fields.int("dimensions", in: 1...1 << 24)
    options.scheduling = try fields.scheduling()
    switch try fields.int("embd_normalize", in: -1...Int(Int32.max)) {
    case nil: break
    case -1: options.normalizes = false
    case 2: options.normalizes = true
    case .some(let norm):
      throw fields.unsupported("embd_normalize", "can be -1 or 2 only, not \(norm)")
    }
    self.options = options
  }
}

/// How texts become tokens in embedding requests.
struct TextOptions: Sendable {
  let addSpecialTokens: Bool
  /// Longer texts are cut to so many tokens; -1 means to what the model reads.
  let truncation: Int?

  init(_ fields: FieldReader) throws {
    addSpecialTokens = try fields.bool("add_special_tokens") ?? true
    truncation = try fields.int("truncate_prompt_tokens", in: -1...Int(Int32.max))
    if truncation == 0 { throw fields.invalid("truncate_prompt_tokens", "must be -1 or above 0") }
  }

  /// Tokens of a text, cut if that is asked for.
  func tokens(_ input: PromptInput, _ model: any EmbeddingModel) -> [TokenID] {
    let tokens =
      switch input {
      case .text(let text): model.tokenizer.encode(text, addSpecialTokens: addSpecialTokens)
      case .tokens(let tokens): tokens
      }
    guard let truncation else { return tokens }
    let limit = truncation < 0 ? model.contextLength : truncation
    return model.tokenizer.truncate(tokens, to: limit)
  }

  func tokens(_ inputs: [PromptInput], _ model: any EmbeddingModel) async throws -> [[TokenID]] {
    let bytes = inputs.reduce(0) { $0 + $1.byteCount }
    return try await HeavyWork.run(byteCount: bytes) { inputs.map { tokens($0, model) } }
  }
}

/// Fields of other servers' embedding requests that would change the answer; they are refused.
enum EmbeddingFields {
  static func check(_ fields: FieldReader) throws {
    for name in names where fields.has(name) { throw fields.unsupported(name) }
    for (name, neutral) in neutralValues {
      guard let value = fields.value(name), value != neutral else { continue }
      throw fields.unsupported(name, "can be \(neutral.text) only")
    }
  }

  private static let names = [
    "apus", "messages", "task", "task_type", "input_type", "image_data", "chat_template", "lora",
    "max_tokens_per_doc", "max_chunks_per_doc", "mm_processor_kwargs", "instruction", "rank_fields",
  ]

  private static let neutralValues: [(String, JSONValue)] = [
    ("normalize", true), ("activation", true), ("softmax", true), ("use_activation", true),
    ("late_chunking", false), ("embedding_type", "float"),
  ]
}
