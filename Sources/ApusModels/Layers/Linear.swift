import ApusCompute

/// y = x Wᵀ + b, where W may be several stored matrices one below the other.
///
/// The weights choose their kernel; the model does not know how they are stored.
struct Linear {
  private struct Part {
    let weight: PackedMatrix
    let column: Int
    let bias: [Float]?
  }

  private let parts: [Part]

  /// Packs `tensors`; neighbours of one type become one product.
  init(_ tensors: [TensorInfo], biases: [TensorInfo?] = [], loader: WeightLoader) throws {
    var parts: [Part] = []
    var column = 0
    var index = 0
    while index < tensors.count {
      let type = loader.type(of: tensors[index])
      var end = index + 1
      while end < tensors.count, loader.type(of: tensors[end]) == type { end += 1 }
      let weight = try loader.matrix(Array(tensors[index..<end]))
      let bias = try Self.bias(index..<end, tensors, biases)
      parts.append(Part(weight: weight, column: column, bias: bias))
      column += weight.rows
      index = end
    }
    self.parts = parts
  }

  /// Packs rows that are looked up as well.
  init(_ rows: StoredMatrix, named name: String, loader: WeightLoader) throws {
    parts = [Part(weight: try loader.matrix(name, of: rows), column: 0, bias: nil)]
  }

  private static func bias(
    _ range: Range<Int>, _ tensors: [TensorInfo], _ biases: [TensorInfo?]
  ) throws -> [Float]? {
    guard biases.count == tensors.count, range.contains(where: { biases[$0] != nil }) else {
      return nil
    }
    return try range.flatMap {
      try biases[$0]?.floats() ?? [Float](repeating: 0, count: tensors[$0].shape[0])
    }
  }

  /// Writes (or adds) the product of the first `rows` rows, transformed.
  func apply(
    _ input: borrowing Matrix, _ transform: RowTransform = .none, rows: Int, compute: Compute,
    scratch: inout QuantizedRows,
    accumulate: Bool = false, into output: inout Matrix
  ) {
    for part in parts {
      compute.multiply(
        input, transform: transform, rows: rows, by: part.weight, bias: part.bias,
        accumulate: accumulate,
        scratch: &scratch, into: &output, column: part.column)
    }
  }
}
