import ApusCompute
import ApusCore
import ApusModels
import Dispatch

/// A loaded encoder; texts run in batches laid end to end, and requests take turns after each batch.
public final class TextEncoder: Sendable {
  public let modelConfiguration: ModelConfiguration
  /// The longest text in tokens.
  public let contextLength: Int
  public let instructionSet: String
  /// Outputs of the classifier; nil without one.
  public var labelCount: Int? { modelConfiguration.encoder?.labelCount }
  private let queue = DispatchQueue(label: "apus.encoder")
  private let core: Core
  private let maxRows: Int

  /// Tokens of one batch, unless a single text has more.
  private static let batchRows = 512

  /// Loads the weights; throws `EngineError`, `CheckpointError` or `CatalogError`.
  ///
  /// - Parameters:
  ///   - maxLength: the longest text that the model was made for; a `contextLength` in the configuration goes before.
  ///   - progress: called with layers loaded and layers in all.
  ///   - warning: called with a line about what was wrong but did not matter.
  public init(
    _ checkpoint: Checkpoint, configuration: EngineConfiguration = EngineConfiguration(),
    maxLength: Int? = nil, progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in },
    warning: @escaping @Sendable (String) -> Void = { _ in }
  ) throws {
    let model = checkpoint.configuration
    let trained = model.shape.contextLength
    let length = configuration.contextLength ?? min(maxLength ?? trained, trained)
    guard length > 0, length <= trained else { throw EngineError.invalidContextLength(length) }
    let pool = WorkerPool(threadCount: configuration.threadCount ?? WorkerPool.defaultThreadCount)
    let compute = try Compute(
      pool: pool, instructionSet: configuration.instructionSet, precision: configuration.precision)
    let architecture = try EncoderArchitectures.load(
      checkpoint,
      loader: WeightLoader(
        for: checkpoint, precision: configuration.precision,
        quantization: configuration.quantization, packCache: configuration.packCache, pool: pool,
        progress: progress, warning: warning))
    modelConfiguration = model
    contextLength = length
    instructionSet = compute.instructionSet
    maxRows = max(length, Self.batchRows)
    core = Core(
      model: architecture, compute: compute,
      workspace: EncoderWorkspace(model, maxRows: maxRows))
  }

  /// One pooled vector a text, not normalised; every text has 1 to `contextLength` valid tokens.
  public func vectors(of texts: [EncoderText], pooling: Pooling) async throws -> [[Float]] {
    try await run(texts) { $0.vectors($1, pooling) }
  }

  /// The classifier's outputs for each text, before any activation; the model must have one.
  public func labels(of texts: [EncoderText]) async throws -> [[Float]] {
    precondition(labelCount != nil, "the model has no classifier")
    return try await run(texts) { $0.labels($1) }
  }

  /// Runs the texts batch by batch; other requests' batches come between.
  private func run(
    _ texts: [EncoderText], _ body: @escaping @Sendable (Core, EncoderBatch) -> [[Float]]
  ) async throws -> [[Float]] {
    precondition(texts.allSatisfy { (1...contextLength).contains($0.tokens.count) })
    var results: [[Float]] = []
    for part in Self.batches(of: texts.map(\.tokens.count), limit: maxRows) {
      try Task.checkCancellation()
      let batch = EncoderBatch(texts[part])
      results += await withCheckedContinuation { continuation in
        queue.async { [core] in continuation.resume(returning: body(core, batch)) }
      }
    }
    return results
  }

  /// Neighbours of together at most `limit` tokens.
  package static func batches(of counts: [Int], limit: Int) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var (start, rows) = (0, 0)
    for (index, count) in counts.enumerated() {
      if rows + count > limit, index > start {
        result.append(start..<index)
        (start, rows) = (index, 0)
      }
      rows += count
    }
    if start < counts.count { result.append(start..<counts.count) }
    return result
  }
}

/// The model and its buffers.
///
/// Unchecked: after `TextEncoder.init` only the blocks of its serial queue use them.
private final class Core: @unchecked Sendable {
  private let model: any EncoderArchitecture
  private let compute: Compute
  private let workspace: EncoderWorkspace

  init(model: any EncoderArchitecture, compute: Compute, workspace: EncoderWorkspace) {
    self.model = model
    self.compute = compute
    self.workspace = workspace
  }

  func vectors(_ batch: EncoderBatch, _ pooling: Pooling) -> [[Float]] {
    model.forward(batch, compute: compute, workspace: workspace)
    return batch.texts.map { rows in
      var pool = HiddenPool(pooling)
      for row in rows { workspace.withHidden(row) { pool.add($0) } }
      return pool.vector
    }
  }

  func labels(_ batch: EncoderBatch) -> [[Float]] {
    model.forward(batch, compute: compute, workspace: workspace)
    return model.labels(batch, compute: compute, workspace: workspace)
  }
}
