import ApusCore
import ApusEngine
import ApusModels
import ApusText
import Foundation

/// A loaded model with its tokenizer and chat template: text in, text out.
public final class LanguageModel: Sendable {
  public let reference: ModelReference
  public let checkpoint: Checkpoint
  public let engine: Engine
  public let tokenizer: Tokenizer
  public let chatTemplate: ChatTemplate
  public let embedding: EmbeddingConfiguration
  /// How long it took until the engine was ready, without a download.
  public let loadTime: Duration

  /// Loads a model; `progress` is called with layers loaded and layers in all, `warning` as by `Engine`, `download`
  /// before that if a hub model has to be fetched.
  public convenience init(
    _ reference: ModelReference, configuration: EngineConfiguration = EngineConfiguration(),
    progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in },
    warning: @escaping @Sendable (String) -> Void = { _ in },
    download: (DownloadProgress) -> Void = { _ in }
  ) throws {
    let path = try Self.localPath(reference, download: download)
    let start = ContinuousClock.now
    let checkpoint = try Checkpoint.open(path)
    guard checkpoint.configuration.encoder == nil else {
      throw LanguageModelError.encoder(path)
    }
    try self.init(
      checkpoint, of: reference, since: start, configuration: configuration, progress: progress,
      warning: warning)
  }

  /// Loads an opened checkpoint, which is no encoder's; opening it began at `start`.
  init(
    _ checkpoint: Checkpoint, of reference: ModelReference, since start: ContinuousClock.Instant,
    configuration: EngineConfiguration, progress: @escaping @Sendable (Int, Int) -> Void,
    warning: @escaping @Sendable (String) -> Void
  ) throws {
    self.reference = reference
    self.checkpoint = checkpoint
    embedding = try EmbeddingConfiguration(checkpoint)
    let text = try TextFiles(checkpoint)
    tokenizer = text.tokenizer
    chatTemplate = try text.chatTemplate.map { try ChatTemplate($0) } ?? .chatML
    try tokenizer.checkFits(checkpoint)
    var configuration = configuration
    if configuration.endsSentence == nil {
      configuration.endsSentence = { [tokenizer] in tokenizer.endsSentence($0) }
    }
    if configuration.draft == nil, let name = configuration.kvMethods.draftName {
      let draft = try DraftModel(ModelReference(parsing: name), for: checkpoint, configuration)
      configuration.draft = draft.answer
    }
    engine = try Engine(
      checkpoint, configuration: configuration, progress: progress, warning: warning)
    loadTime = .now - start
  }

  /// The file or folder of a reference; a hub model that is not in the cache is downloaded.
  public static func localPath(
    _ reference: ModelReference, download: (DownloadProgress) -> Void = { _ in }
  ) throws -> String {
    switch reference {
    case .path(let path): path
    case .builtin(let name): try BuiltinModels.path(name)
    case .hub(let repository, let file):
      try HubCache().localPath(repository: repository, file: file, progress: download)
    }
  }

  /// The prompt text of a conversation, as the model's template writes it.
  public func prompt(
    messages: [JSONValue], tools: JSONValue? = nil, addGenerationPrompt: Bool = true,
    arguments: JSONObject = JSONObject()
  ) throws -> String {
    func piece(_ token: TokenID?) -> String { token.flatMap { tokenizer.piece($0) } ?? "" }
    return try chatTemplate.render(
      messages: messages, tools: tools, documents: nil, addGenerationPrompt: addGenerationPrompt,
      bosToken: piece(tokenizer.bosToken), eosToken: piece(tokenizer.eosToken),
      arguments: arguments)
  }

  /// The tokens of a rendered conversation; a template that writes BOS itself does not get a second one.
  public func tokens(ofRenderedPrompt text: String) -> [TokenID] {
    let tokens = tokenizer.encode(text, addSpecialTokens: false)
    guard tokenizer.addsBOS, let bos = tokenizer.bosToken, tokens.first != bos else {
      return tokens
    }
    return [bos] + tokens
  }
}

public enum LanguageModelError: Error, Equatable, CustomStringConvertible {
  case vocabularyMismatch(tokenizer: Int, model: Int)
  case noTokenizer(String)
  case foreignDraft(String)
  case encoder(String)

  public var description: String {
    switch self {
    case .vocabularyMismatch(let tokenizer, let model):
      "the tokenizer has \(tokenizer) entries, the model only \(model)"
    case .foreignDraft(let name):
      "the draft model \(name) has another vocabulary than the model"
    case .encoder(let path):
      "\(path) is an encoder, which writes no text; 'apus serve' answers /v1/embeddings or /v1/rerank with it"
    case .noTokenizer(let path): "\(path) has no tokenizer (tokenizer.json or another known file)"
    }
  }
}

/// Reads the tokenizer and chat template that a checkpoint names.
public struct TextFiles {
  public let tokenizer: Tokenizer
  public let chatTemplate: String?

  public init(_ checkpoint: Checkpoint) throws {
    try self.init(checkpoint.tokenizerSource, path: checkpoint.path)
  }

  public init(_ source: Checkpoint.TokenizerSource, path: String) throws {
    func read(_ path: String) throws -> [UInt8] {
      try Array(Data(contentsOf: URL(filePath: path)))
    }
    func json(_ path: String?) throws -> JSONValue? {
      try path.map { try JSONValue(parsing: read($0)) }
    }
    switch source {
    case .metadata(let metadata):
      tokenizer = try Tokenizer(metadata: metadata)
      chatTemplate = tokenizer.chatTemplate
    case .files(
      let tokenizerJSON, let configuration, let vocabulary, let merges, let sentencePiece,
      let template):
      let configuration = try json(configuration)
      if let file = try json(tokenizerJSON) {
        tokenizer = try Tokenizer(json: file, configuration: configuration)
      } else if let vocabulary, vocabulary.hasSuffix(".txt") {
        tokenizer = try Tokenizer(
          wordPieces: String(decoding: read(vocabulary), as: UTF8.self),
          configuration: configuration)
      } else if let vocabulary = try json(vocabulary), let merges {
        tokenizer = try Tokenizer(
          vocabulary: vocabulary, merges: String(decoding: read(merges), as: UTF8.self),
          configuration: configuration, addedTokens: nil, preTokenizer: "gpt-2")
      } else if let sentencePiece {
        tokenizer = try Tokenizer(sentencePiece: read(sentencePiece))
      } else {
        throw LanguageModelError.noTokenizer(path)
      }
      chatTemplate =
        try template.map { String(decoding: try read($0), as: UTF8.self) }
        ?? tokenizer.chatTemplate
    }
  }
}

extension Tokenizer {
  /// Throws `LanguageModelError` when some token is outside of the model's vocabulary.
  func checkFits(_ checkpoint: Checkpoint) throws {
    let vocabulary = checkpoint.configuration.shape.vocabularySize
    guard vocabularySize <= vocabulary else {
      throw LanguageModelError.vocabularyMismatch(tokenizer: vocabularySize, model: vocabulary)
    }
  }
}
