import ApusCore
import ApusText
import Synchronization

/// The vocabularies among the artefacts, each loaded once.
enum KnownTokenizers {
  private static let loaded = Mutex<[String: Tokenizer]>([:])

  static func vocabulary(_ name: String) throws -> Tokenizer {
    if let tokenizer = loaded.withLock({ $0[name] }) { return tokenizer }
    let tokenizer = try load(name)
    loaded.withLock { $0[name] = tokenizer }
    return tokenizer
  }

  private static func load(_ name: String) throws -> Tokenizer {
    switch name {
    case "llama-bpe": try llama3()
    case "qwen2", "deepseek-r1-qwen": try qwen2(preTokenizer: name)
    default:
      try Tokenizer(
        metadata: try GGUFMetadata.read(
          try Artefacts.bytes("tokenizers/llama.cpp-vocab/ggml-vocab-\(name).gguf")))
    }
  }

  static func llama3(preTokenizer: String = "llama-bpe") throws -> Tokenizer {
    let reserved = (0..<251).map { "<|reserved_special_token_\($0)|>" }
    let named = [
      "<|begin_of_text|>", "<|end_of_text|>", reserved[0], reserved[1],
      "<|finetune_right_pad_id|>", reserved[2], "<|start_header_id|>", "<|end_header_id|>",
      "<|eom_id|>", "<|eot_id|>", "<|python_tag|>",
    ]
    return try Tokenizer(
      tiktoken: try Artefacts.bytes("tokenizers/llama3/test_tiktoken_tokenizer.model"),
      preTokenizer: preTokenizer, specialTokens: named + reserved[3..<248])
  }

  static func qwen2(preTokenizer: String = "qwen2") throws -> Tokenizer {
    let folder = "tokenizers/qwen2.5-cogito"
    return try Tokenizer(
      vocabulary: try Artefacts.json("\(folder)/vocab.json"),
      merges: try Artefacts.text("\(folder)/merges.txt"),
      configuration: try Artefacts.json("\(folder)/tokenizer_config.json"),
      addedTokens: try Artefacts.json("\(folder)/added_tokens.json"), preTokenizer: preTokenizer)
  }

  static func directory(_ path: String) throws -> Tokenizer {
    try Tokenizer(
      json: try Artefacts.json("\(path)/tokenizer.json"),
      configuration: try? Artefacts.json("\(path)/tokenizer_config.json"))
  }

  static func sentencePiece(_ path: String) throws -> Tokenizer {
    try Tokenizer(sentencePiece: try Artefacts.bytes(path))
  }
}
