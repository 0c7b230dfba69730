import ApusCompute

/// Brings weights into memory: quantised if that is asked for, and packed, or out of a file that keeps packed ones.
public struct WeightLoader: Sendable {
  public let precision: Precision
  public let pool: WorkerPool
  /// Called with layers done and layers in all.
  public let progress: @Sendable (Int, Int) -> Void
  private let plan: QuantizationPlan?
  private let cache: PackCache?
  private let arena = WeightArena()

  /// A loader for one checkpoint.
  ///
  /// - Parameters:
  ///   - quantization: the type that `apus quantize` would write floats in.
  ///   - packCache: a folder that keeps packed weights.
  ///   - warning: called with a line when the folder holds something of no use.
  /// - Throws: `FileError` when the folder cannot be used.
  public init(
    for checkpoint: Checkpoint, precision: Precision, quantization: QuantizationType? = nil,
    packCache: String? = nil, pool: WorkerPool,
    progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in },
    warning: @escaping @Sendable (String) -> Void = { _ in }
  ) throws {
    self.precision = precision
    self.pool = pool
    self.progress = progress
    let plan = quantization.map { QuantizationPlan($0, for: checkpoint) }
    self.plan = plan
    cache = try packCache.map {
      try PackCache(
        folder: $0, files: checkpoint.files,
        description: checkpoint.packDescription(precision, plan), pool: pool, warning: warning)
    }
  }

  /// Called when all weights are loaded.
  func finish() { cache?.finish() }

  /// The type in which a tensor is computed with.
  func type(of tensor: TensorInfo) -> TensorType { plan?.loadedType(of: tensor) ?? tensor.type }

  /// The rows of `tensors`, one below the other, which must agree in columns and type.
  func matrix(_ tensors: [TensorInfo]) throws -> PackedMatrix {
    let shape = PanelShape(
      rows: tensors.reduce(0) { $0 + $1.rowCount }, columns: tensors[0].columnCount,
      type: type(of: tensors[0]), precision: precision)
    guard shape.byteCount > 0 else {
      return PackedMatrix(try tensors.map(rows), precision: precision, pool: pool, arena: arena)
    }
    return try matrix(tensors.map(\.name).joined(separator: "+"), shape) {
      try tensors.map(converted)
    }
  }

  /// The same rows, packed.
  func matrix(_ name: String, of rows: StoredMatrix) throws -> PackedMatrix {
    let shape = PanelShape(
      rows: rows.rows, columns: rows.columns, type: rows.type, precision: precision)
    guard shape.byteCount > 0 else {
      return PackedMatrix([rows], precision: precision, pool: pool, arena: arena)
    }
    return try matrix(name, shape) { [rows] }
  }

  private func matrix(
    _ name: String, _ shape: PanelShape, sources: () throws -> [StoredMatrix]
  ) throws -> PackedMatrix {
    let pack = { PackedMatrix($0, precision: precision, pool: pool, arena: arena) }
    guard let cache else { return pack(try sources()) }
    return try cache.matrix(name, shape, sources: sources, pack: pack)
  }

  /// The tensor as rows to look up or to decode while multiplying.
  func rows(_ tensor: TensorInfo) throws -> StoredMatrix {
    let type = type(of: tensor)
    guard let cache, type != tensor.type else { return try converted(tensor) }
    return try cache.rows(
      "rows of " + tensor.name, type: type, rows: tensor.rowCount, columns: tensor.columnCount
    ) { try converted(tensor) }
  }

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
