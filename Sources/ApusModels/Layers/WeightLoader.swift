import ApusCompute

/// Brings weights into memory: quantised if that is asked for, and packed.
public struct WeightLoader: Sendable {
  public let precision: Precision
  public let pool: WorkerPool
  /// Called with layers done and layers in all.
  public let progress: @Sendable (Int, Int) -> Void
  private let plan: QuantizationPlan?

  /// A loader for one checkpoint.
  ///
  /// - Parameter quantization: the type that `apus quantize` would write floats in.
  public init(
    for checkpoint: Checkpoint, precision: Precision, quantization: QuantizationType? = nil,
    pool: WorkerPool, progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
  ) {
    self.precision = precision
    self.pool = pool
    self.progress = progress
    plan = quantization.map { QuantizationPlan($0, for: checkpoint) }
  }

  /// The type in which a tensor is computed with.
  func type(of tensor: TensorInfo) -> TensorType { plan?.loadedType(of: tensor) ?? tensor.type }

  /// The rows of `tensors`, one below the other, which must agree in columns and type.
  func matrix(_ tensors: [TensorInfo]) throws -> PackedMatrix {
    PackedMatrix(try tensors.map(rows), precision: precision, pool: pool)
  }

  /// The same rows, packed.
  func matrix(_ name: String, of rows: StoredMatrix) throws -> PackedMatrix {
    PackedMatrix([rows], precision: precision, pool: pool)
  }

  /// The tensor as rows to look up or to decode while multiplying.
  func rows(_ tensor: TensorInfo) throws -> StoredMatrix { try converted(tensor) }

  private func converted(_ tensor: TensorInfo) throws -> StoredMatrix {
    let type = type(of: tensor)
    guard type != tensor.type else { return tensor.stored }
    do {
      return try tensor.stored.converted(to: type, pool: pool)
    } catch let error as RowConversionError {
      throw CheckpointError.unfit(tensor, row: error.row, for: type)
    }
  }
}
