import ApusCompute

/// Where one tensor's bytes stand in a mapped file, and what they mean.
///
/// The range is validated when the file is opened. It may be unaligned in safetensors files.
package struct TensorInfo: Sendable {
  package let name: String
  package let type: TensorType
  /// Outermost first: [rows, columns]; a GGUF file stores the reverse.
  package let shape: [Int]
  package let file: MappedFile
  /// Of the first byte, from the start of the file.
  package let offset: Int
  package let byteCount: Int

  package var elementCount: Int { shape.reduce(1, *) }
  /// Numbers that stand side by side: the innermost dimension.
  package var columnCount: Int { shape.last ?? 1 }
  var rowCount: Int { shape.dropLast().reduce(1, *) }

  package func withBytes<R>(_ body: (RawSpan) throws -> R) rethrows -> R {
    try file.withBytes(offset..<offset + byteCount, body)
  }

  /// All numbers as Float, dequantised: meant for small tensors (norms, biases).
  package func floats() throws -> [Float] {
    var result = [Float](repeating: 0, count: elementCount)
    withBytes { bytes in
      var span = result.mutableSpan
      dequantize(type, bytes, into: &span)
    }
    return result
  }

  /// The tensor as rows of a matrix.
  var stored: StoredMatrix {
    StoredMatrix(file: file, offset: offset, type: type, rows: rowCount, columns: columnCount)
  }

  func renamed(_ name: String) -> TensorInfo {
    TensorInfo(
      name: name, type: type, shape: shape, file: file, offset: offset, byteCount: byteCount)
  }
}

/// The ranges of all tensors of a file, checked for overlap.
func checkOverlap(of tensors: [TensorInfo], file: String) throws {
  let sorted = tensors.sorted { ($0.offset, $0.byteCount) < ($1.offset, $1.byteCount) }
  for (first, second) in zip(sorted, sorted.dropFirst())
  where first.offset + first.byteCount > second.offset {
    throw CheckpointError.malformed(
      file: file, reason: "tensors '\(first.name)' and '\(second.name)' overlap")
  }
}

/// The product of a shape, or nil when a dimension is not positive or the product overflows.
func elementCount(ofShape shape: [Int]) -> Int? {
  var product = 1
  for dimension in shape {
    guard dimension > 0 else { return nil }
    let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
    guard !overflow, next <= Int.max / 8 else { return nil }
    product = next
  }
  return product
}
