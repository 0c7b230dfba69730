import ApusCompute
import ApusCore

/// The buffers of a forward pass, made once for the largest batch.
public final class Workspace {
  public let maxRows: Int
  public let maxLogitRows: Int
  var hidden: Matrix  // [rows, hiddenSize]
  var projections: Matrix  // [rows, queries | keys | values]
  var attended: Matrix  // [rows, heads * headDimension]
  var gateUp: Matrix  // [rows, gates | ups]
  var selected: Matrix  // [logit rows, hiddenSize]
  /// Next-token logits of the selected rows: [logit rows, vocabulary].
  public var logits: Matrix
  var rounded: QuantizedRows
  var angles: RotationTable

  public init(_ configuration: ModelConfiguration, maxRows: Int, maxLogitRows: Int) {
    let shape = configuration.shape
    let queries = shape.headCount * shape.headDimension
    let keys = shape.kvHeadCount * shape.headDimension
    let (hidden, inner) = (configuration.hiddenSize, configuration.intermediateSize)
    self.maxRows = maxRows
    self.maxLogitRows = maxLogitRows
    self.hidden = Matrix(rows: maxRows, columns: hidden)
    projections = Matrix(rows: maxRows, columns: queries + 2 * keys)
    attended = Matrix(rows: maxRows, columns: queries)
    gateUp = Matrix(rows: maxRows, columns: 2 * inner)
    selected = Matrix(rows: maxLogitRows, columns: hidden)
    logits = Matrix(rows: maxLogitRows, columns: shape.vocabularySize)
    rounded = QuantizedRows(
      rows: max(maxRows, maxLogitRows), columns: max(hidden, inner, queries))
    angles = RotationTable(
      rows: maxRows, half: configuration.rope.dimension / 2,
      interleaved: configuration.rope.layout == .interleaved)
  }
}
