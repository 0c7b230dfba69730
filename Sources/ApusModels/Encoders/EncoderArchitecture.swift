import ApusCompute
import ApusCore

/// A model that reads whole texts at once, in both directions, and writes none.
///
/// Used by one thread at a time.
public protocol EncoderArchitecture: AnyObject, SendableMetatype {
  /// Brings the weights into memory; throws `CheckpointError` when a tensor is missing.
  init(_ checkpoint: Checkpoint, loader: WeightLoader) throws

  /// Runs all layers over the batch; the hidden states stay in the workspace.
  func forward(_ batch: EncoderBatch, compute: Compute, workspace: EncoderWorkspace)

  /// The classifier's outputs for each text of the last batch, before any activation; empty without a classifier.
  func labels(_ batch: EncoderBatch, compute: Compute, workspace: EncoderWorkspace) -> [[Float]]
}

/// The encoders that can be loaded, by the name in `ModelConfiguration.architecture`.
public enum EncoderArchitectures {
  public static let catalog = Catalog<any EncoderArchitecture.Type>(
    "encoder",
    [
      ("bert", Bert.self)
    ])

  /// Loads the checkpoint's model.
  public static func load(
    _ checkpoint: Checkpoint, loader: WeightLoader
  ) throws -> any EncoderArchitecture {
    let model = try catalog.find(checkpoint.configuration.architecture)
      .init(checkpoint, loader: loader)
    loader.finish()
    return model
  }
}

/// A text, or a pair of texts, for an encoder.
public struct EncoderText: Sendable, Equatable {
  public var tokens: [TokenID]
  /// Which text of a pair each token belongs to (0 or 1).
  public var types: [Int32]

  /// `secondStart` is where the second text of a pair begins.
  public init(_ tokens: [TokenID], secondStart: Int? = nil) {
    self.tokens = tokens
    let first = secondStart ?? tokens.count
    types =
      [Int32](repeating: 0, count: first) + [Int32](repeating: 1, count: tokens.count - first)
  }
}

/// Texts end to end, without padding.
public struct EncoderBatch: Sendable {
  /// [rows]
  public private(set) var tokens: [TokenID] = []
  public private(set) var positions: [Int32] = []
  public private(set) var types: [Int32] = []
  /// The rows of each text.
  public private(set) var texts: [Range<Int>] = []

  public init(_ texts: some Sequence<EncoderText>) {
    for text in texts {
      self.texts.append(tokens.count..<tokens.count + text.tokens.count)
      tokens += text.tokens
      positions += text.tokens.indices.map { Int32($0) }
      types += text.types
    }
  }

  public var rowCount: Int { tokens.count }
}

/// The buffers of an encoder's forward pass, made once for the largest batch.
public final class EncoderWorkspace {
  public let maxRows: Int
  var hidden: Matrix  // [rows, hiddenSize]
  var projections: Matrix  // [rows, queries | keys | values]
  var attended: Matrix  // [rows, heads * headDimension]
  var inner: Matrix  // [rows, intermediateSize]
  var rounded: QuantizedRows

  public init(_ configuration: ModelConfiguration, maxRows: Int) {
    self.maxRows = maxRows
    let width = configuration.shape.headCount * configuration.shape.headDimension
    hidden = Matrix(rows: maxRows, columns: configuration.hiddenSize)
    projections = Matrix(rows: maxRows, columns: 3 * width)
    attended = Matrix(rows: maxRows, columns: width)
    inner = Matrix(rows: maxRows, columns: configuration.intermediateSize)
    rounded = QuantizedRows(
      rows: maxRows,
      columns: max(configuration.hiddenSize, configuration.intermediateSize, width))
  }

  /// The hidden state of one row after the last layer.
  public func withHidden<Result>(_ row: Int, _ body: (Span<Float>) -> Result) -> Result {
    hidden.withRow(row, body)
  }
}
