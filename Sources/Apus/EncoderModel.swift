import ApusCore
import ApusEngine
import ApusModels
import ApusScheduling
import ApusText
import Foundation

/// A loaded BERT: vectors of texts, or, for a cross-encoder, scores of documents.
public final class EncoderModel: EmbeddingModel {
  public let reference: ModelReference
  public let checkpoint: Checkpoint
  public let tokenizer: Tokenizer
  public let embedding: EmbeddingConfiguration
  public let encoder: TextEncoder
  public let defaultPooling = Pooling.mean

  public var contextLength: Int { encoder.contextLength }
  public var instructionSet: String { encoder.instructionSet }

  /// Loads a model; the arguments are those of `LanguageModel`.
  public convenience init(
    _ reference: ModelReference, configuration: EngineConfiguration = EngineConfiguration(),
    progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in },
    warning: @escaping @Sendable (String) -> Void = { _ in },
    download: (DownloadProgress) -> Void = { _ in }
  ) throws {
    try self.init(
      Checkpoint.open(LanguageModel.localPath(reference, download: download)), of: reference,
      configuration: configuration, progress: progress, warning: warning)
  }

  /// Loads an opened checkpoint.
  init(
    _ checkpoint: Checkpoint, of reference: ModelReference, configuration: EngineConfiguration,
    progress: @escaping @Sendable (Int, Int) -> Void,
    warning: @escaping @Sendable (String) -> Void
  ) throws {
    self.reference = reference
    self.checkpoint = checkpoint
    tokenizer = try TextFiles(checkpoint).tokenizer
    try tokenizer.checkFits(checkpoint)
    embedding = try EmbeddingConfiguration(checkpoint)
    encoder = try TextEncoder(
      checkpoint, configuration: configuration, maxLength: embedding.maxLength,
      progress: progress, warning: warning)
  }

  public func pooled(
    _ texts: [[TokenID]], pooling: Pooling, scheduling: SequenceAttributes
  ) async throws -> [[Float]] {
    guard encoder.labelCount == nil else { throw EmbeddingError.crossEncoder }
    return try await encoder.vectors(of: texts.map { EncoderText($0) }, pooling: pooling)
  }

  /// By the classifier of a cross-encoder, else by the cosine of the vectors.
  public func rank(
    query: [TokenID], documents: [[TokenID]], _ options: EmbeddingOptions
  ) async throws -> [Float] {
    guard let labels = encoder.labelCount else {
      return try await cosine(query: query, documents: documents, options)
    }
    guard labels == 1 else { throw EmbeddingError.labels(labels) }
    let pairs = documents.map { pair(query, $0) }
    for (index, pair) in pairs.enumerated() { try check(pair.tokens, index: index) }
    return try await encoder.labels(of: pairs).map { label in
      embedding.appliesSigmoid ? 1 / (1 + exp(-label[0])) : label[0]
    }
  }

  public func rankedTokenCount(query: [TokenID], document: [TokenID]) -> Int {
    encoder.labelCount == nil ? document.count : pair(query, document).tokens.count
  }

  /// `[CLS] query [SEP] document [SEP]`: the document comes without its own first token.
  private func pair(_ query: [TokenID], _ document: [TokenID]) -> EncoderText {
    let document = document.first == query.first ? document.dropFirst() : document[...]
    let hasTypes = (checkpoint.configuration.encoder?.tokenTypeCount ?? 0) > 1
    return EncoderText(query + document, secondStart: hasTypes ? query.count : nil)
  }
}

/// Loads what the path holds: an encoder or a language model.
public func loadModel(
  _ reference: ModelReference, configuration: EngineConfiguration = EngineConfiguration(),
  progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in },
  warning: @escaping @Sendable (String) -> Void = { _ in },
  download: (DownloadProgress) -> Void = { _ in }
) throws -> any EmbeddingModel {
  let path = try LanguageModel.localPath(reference, download: download)
  let start = ContinuousClock.now
  let checkpoint = try Checkpoint.open(path)
  guard checkpoint.configuration.encoder != nil else {
    return try LanguageModel(
      checkpoint, of: reference, since: start, configuration: configuration, progress: progress,
      warning: warning)
  }
  return try EncoderModel(
    checkpoint, of: reference, configuration: configuration, progress: progress, warning: warning)
}
