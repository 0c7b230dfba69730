import ApusCore
import ApusEngine
import ApusModels
import ApusScheduling
import ApusText

/// A loaded model that makes vectors of texts: an encoder, or any language model.
public protocol EmbeddingModel: AnyObject, Sendable {
  var reference: ModelReference { get }
  var checkpoint: Checkpoint { get }
  var tokenizer: Tokenizer { get }
  /// What the model's files say about its vectors.
  var embedding: EmbeddingConfiguration { get }
  /// The longest text in tokens.
  var contextLength: Int { get }
  var instructionSet: String { get }
  /// The pooling where neither the caller nor the model's files name one.
  var defaultPooling: Pooling { get }

  /// One pooled vector a text, not normalised; the texts have been checked.
  func pooled(
    _ texts: [[TokenID]], pooling: Pooling, scheduling: SequenceAttributes
  ) async throws -> [[Float]]

  /// How well each document answers the query: higher is better.
  func rank(
    query: [TokenID], documents: [[TokenID]], _ options: EmbeddingOptions
  ) async throws -> [Float]

  /// The tokens of a query and a document as `rank` reads them, their special tokens included.
  func rankedTokenCount(query: [TokenID], document: [TokenID]) -> Int
}

/// How vectors are made; nil means as the model's files say.
public struct EmbeddingOptions: Sendable {
  public var pooling: Pooling?
  /// Whether each vector is divided by its length.
  public var normalizes: Bool?
  /// Numbers of a vector, for models whose vectors may be cut.
  public var dimensions: Int?
  /// Whose request it is and how it shares the machine.
  public var scheduling = SequenceAttributes()

  public init() {}
}

extension EmbeddingModel {
  /// One vector a text, [texts][dimensions], in their order; a text's vector does not depend on the others.
  ///
  /// Throws `EmbeddingError` for a text that is empty or too long, and for options that the model does not support.
  public func embed(
    _ texts: [String], _ options: EmbeddingOptions = EmbeddingOptions()
  ) async throws -> [[Float]] {
    try await embed(texts.map { tokenizer.encode($0) }, options)
  }

  /// The same for texts that are tokens already, with the special tokens that the model wants.
  public func embed(
    _ texts: [[TokenID]], _ options: EmbeddingOptions = EmbeddingOptions()
  ) async throws -> [[Float]] {
    for (index, tokens) in texts.enumerated() { try check(tokens, index: index) }
    if let size = options.dimensions { try check(dimensions: size) }
    let pooling = options.pooling ?? embedding.pooling ?? defaultPooling
    let vectors = try await pooled(texts, pooling: pooling, scheduling: options.scheduling)
    let normalizes = options.normalizes ?? embedding.normalizes
    return vectors.map { vector in
      guard let size = options.dimensions, size < vector.count else {
        return normalizes ? vector.unit : vector
      }
      return Array(vector.prefix(size)).unit
    }
  }

  /// Numbers of a whole vector.
  public var embeddingDimensions: Int { checkpoint.configuration.hiddenSize }

  /// Throws `EmbeddingError` unless a text can be read; `index` is its place among the texts.
  public func check(_ tokens: [TokenID], index: Int = 0) throws {
    guard !tokens.isEmpty else { throw EmbeddingError.emptyText(index: index) }
    guard tokens.count <= contextLength else {
      throw EmbeddingError.textTooLong(
        index: index, tokens: tokens.count, contextLength: contextLength)
    }
    let size = checkpoint.configuration.shape.vocabularySize
    if let token = tokens.first(where: { $0 < 0 || Int($0) >= size }) {
      throw EmbeddingError.invalidToken(token, index: index, vocabularySize: size)
    }
  }

  private func check(dimensions: Int) throws {
    let whole = embeddingDimensions
    if dimensions == whole { return }
    guard embedding.isMatryoshka else {
      throw EmbeddingError.fixedDimensions(wanted: dimensions, dimensions: whole)
    }
    let allowed = embedding.matryoshkaDimensions
    guard (1..<whole).contains(dimensions), allowed.isEmpty || allowed.contains(dimensions) else {
      throw EmbeddingError.unknownDimensions(wanted: dimensions, allowed: allowed + [whole])
    }
  }

  /// The same for texts.
  public func rank(
    query: String, documents: [String], _ options: EmbeddingOptions = EmbeddingOptions()
  ) async throws -> [Float] {
    try await rank(
      query: tokenizer.encode(query), documents: documents.map { tokenizer.encode($0) }, options)
  }

  /// By the cosine of the vectors.
  public func rank(
    query: [TokenID], documents: [[TokenID]], _ options: EmbeddingOptions
  ) async throws -> [Float] {
    try await cosine(query: query, documents: documents, options)
  }

  func cosine(
    query: [TokenID], documents: [[TokenID]], _ options: EmbeddingOptions
  ) async throws -> [Float] {
    var options = options
    options.normalizes = true
    let vectors = try await embed([query] + documents, options)
    return vectors.dropFirst().map { document in
      zip(vectors[0], document).reduce(0) { $0 + $1.0 * $1.1 }
    }
  }

  public func rankedTokenCount(query: [TokenID], document: [TokenID]) -> Int { document.count }
}

extension [Float] {
  /// The vector of length 1 in the same direction; zeros stay.
  fileprivate var unit: [Float] {
    let square = reduce(0.0) { $0 + Double($1) * Double($1) }
    guard square > 0 else { return self }
    let factor = 1 / square.squareRoot()
    return map { Float(Double($0) * factor) }
  }
}

/// Why a text is not made into a vector; `index` is its place among the texts.
public enum EmbeddingError: Error, Equatable, CustomStringConvertible {
  case emptyText(index: Int)
  case textTooLong(index: Int, tokens: Int, contextLength: Int)
  case invalidToken(TokenID, index: Int, vocabularySize: Int)
  case fixedDimensions(wanted: Int, dimensions: Int)
  case unknownDimensions(wanted: Int, allowed: [Int])
  case crossEncoder
  case labels(Int)

  public var description: String {
    switch self {
    case .emptyText(let index): "text \(index) has no tokens"
    case .textTooLong(let index, let tokens, let length):
      "text \(index) has \(tokens) tokens, the model reads at most \(length)"
    case .invalidToken(let token, let index, let size):
      "text \(index) has token \(token), outside of the vocabulary of \(size)"
    case .fixedDimensions(let wanted, let dimensions):
      "the model's vectors have \(dimensions) numbers and cannot be cut to \(wanted)"
    case .unknownDimensions(let wanted, let allowed):
      "the model's vectors cannot have \(wanted) numbers, but \(allowed.map(String.init).joined(separator: ", "))"
    case .crossEncoder: "the model is a cross-encoder: it ranks and makes no vectors"
    case .labels(let count):
      "the model's classifier has \(count) outputs; ranking needs one"
    }
  }
}
