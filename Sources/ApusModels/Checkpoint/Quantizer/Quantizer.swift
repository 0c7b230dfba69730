import ApusCompute
import ApusCore
import Foundation

/// Writes a checkpoint as one GGUF file in a type of choice, in a form that llama.cpp loads.
///
/// A GGUF file's metadata is copied byte for byte, apart from `general.file_type`; a Hugging Face model's is made from
/// its configuration and tokenizer files. Memory stays within a few times `chunkByteCount`.
public struct Quantizer: Sendable {
  public let checkpoint: Checkpoint
  public let type: QuantizationType
  /// Every matrix in the one type, without llama.cpp's exceptions.
  public var isPure = false
  public var threadCount = 1

  private static let chunkByteCount = 32 << 20

  public init(_ checkpoint: Checkpoint, type: QuantizationType) {
    self.checkpoint = checkpoint
    self.type = type
  }

  /// What was written.
  public struct Summary: Sendable, Equatable {
    public let tensorCount: Int
    public let sourceByteCount: Int
    public let weightByteCount: Int
    /// Tensors that were quantised already and lost precision twice.
    public let requantizedCount: Int
  }

  /// Writes the file at `path`; it appears when it is complete, and an error leaves nothing behind.
  /// - Parameter progress: called with the bytes of the source done so far and in all; may throw to stop.
  public func write(
    to path: String, progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws -> Summary {
    let jobs = try jobs()
    var writer = try GGUFWriter(
      path: path, metadata: try metadata(), tensors: jobs.map(\.output))
    let total = checkpoint.weightByteCount
    var done = 0
    for job in jobs {
      switch job.source {
      case .floats(let values): try writer.append(quantize(.f32, values))
      case .tensor(let tensor):
        let base = done
        try convert(tensor, job, into: &writer) { try progress(base + $0, total) }
        done += tensor.byteCount
      }
    }
    try writer.finish()
    return Summary(
      tensorCount: jobs.count, sourceByteCount: total,
      weightByteCount: jobs.reduce(0) { $0 + $1.output.byteCount },
      requantizedCount: jobs.count { $0.isRequantized })
  }

  /// One tensor of the new file.
  private struct Job {
    enum Source {
      case tensor(TensorInfo)
      case floats([Float])
    }

    let output: GGUFWriter.Tensor
    let source: Source
    var sourceRow: ((Int) -> Int)?

    var isRequantized: Bool {
      guard case .tensor(let tensor) = source else { return false }
      return tensor.type.blockSize > 1 && tensor.type != output.type
    }
  }

  private func jobs() throws -> [Job] {
    let plan = QuantizationPlan(
      type: type, isPure: isPure, configuration: checkpoint.configuration)
    let export = checkpoint.format == .safetensors ? try export() : nil
    let stored = checkpoint.tensors.values.sorted {
      canonicalOrder($0.name) < canonicalOrder($1.name)
    }
    let extra = (export?.ropeTensors() ?? []).map { name, values in
      Job(
        output: .init(name: name, type: .f32, shape: [values.count]), source: .floats(values))
    }
    return extra
      + stored.map { tensor in
        Job(
          output: .init(
            name: tensor.name, type: plan.target(name: tensor.name, shape: tensor.shape),
            shape: tensor.shape),
          source: .tensor(tensor), sourceRow: export?.sourceRow(of: tensor.name))
      }
  }

  private func convert(
    _ tensor: TensorInfo, _ job: Job, into writer: inout GGUFWriter,
    progress: (Int) throws -> Void
  ) throws {
    // A vector with an order of its own is a column, so that its rows can be moved.
    let columns = job.sourceRow != nil && tensor.shape.count == 1 ? 1 : tensor.columnCount
    let conversion = RowConversion(
      from: tensor.type, to: job.output.type, columnCount: columns)
    let rowCount = tensor.elementCount / columns
    let step = max(1, Self.chunkByteCount / max(1, columns * 4))
    for start in stride(from: 0, to: rowCount, by: step) {
      let rows = (start..<min(start + step, rowCount)).map { job.sourceRow?($0) ?? $0 }
      let bytes: [UInt8]
      do {
        bytes = try tensor.withBytes {
          try conversion.convert($0, rows: rows, threadCount: max(1, threadCount))
        }
      } catch let error as RowConversionError {
        throw CheckpointError.unfit(tensor, row: error.row, for: job.output.type)
      }
      try writer.append(bytes)
      try progress((start + rows.count) * conversion.sourceRowByteCount)
    }
  }
}

extension Quantizer {
  private func export() throws -> ConfigurationExport {
    try ConfigurationExport(
      configuration: checkpoint.configuration, quantization: type, file: checkpoint.path)
  }

  private func metadata() throws -> [(key: String, value: GGUFValue)] {
    if let file = checkpoint.metadataFile { return copiedMetadata(file) }
    return try export().metadata() + tokenizerMetadata()
  }

  /// The source's pairs in their order; only what describes the file itself is new.
  private func copiedMetadata(_ file: GGUFFile) -> [(key: String, value: GGUFValue)] {
    let own: [(key: String, value: GGUFValue)] = [
      ("general.file_type", .uint32(type.fileType)), ("general.quantization_version", .uint32(2)),
    ]
    let dropped = Set(own.map(\.key) + ["general.alignment"])
    let copied = file.entries.filter {
      !dropped.contains($0.key) && !$0.key.hasPrefix("split.")
    }
    return copied.map { ($0.key, .raw($0.type, file.file.bytes($0.range))) } + own
  }

  /// A model without any tokenizer file gets none; llama.cpp can load it but not use it with text.
  private func tokenizerMetadata() throws -> [(key: String, value: GGUFValue)] {
    guard
      case .files(let tokenizer, let configuration, let vocabulary, _, let pieces, let template) =
        checkpoint.tokenizerSource
    else { return [] }
    guard let tokenizer else {
      guard let other = vocabulary ?? pieces else {
        return [("tokenizer.ggml.model", .string("none"))]
      }
      throw CheckpointError.notAModel(
        path: checkpoint.path,
        reason: "there is no tokenizer.json beside it, and \(other) alone cannot be converted")
    }
    let folder = (checkpoint.path as NSString).deletingLastPathComponent
    var export = try TokenizerExport(
      tokenizerJSON: tokenizer, tokenizerConfig: configuration, chatTemplate: template,
      modelConfiguration: try readJSON((folder.isEmpty ? "." : folder) + "/config.json"),
      vocabularySize: checkpoint.configuration.shape.vocabularySize)
    return try export.metadata()
  }
}
