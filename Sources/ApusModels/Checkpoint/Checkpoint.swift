import ApusCompute
import ApusCore

/// A model on disk: its configuration and its tensors, memory-mapped and validated.
public struct Checkpoint: Sendable {
  /// The format of the files, as `apus inspect` prints it.
  public enum Format: Sendable, Equatable, CustomStringConvertible {
    case gguf(version: Int)
    case safetensors

    public var description: String {
      switch self {
      case .gguf(let version): "GGUF version \(version)"
      case .safetensors: "safetensors"
      }
    }
  }

  /// Where the tokenizer is described: in the GGUF file itself, or in files beside the weights (paths).
  public enum TokenizerSource: Sendable, Equatable {
    case metadata(Metadata)
    case files(
      tokenizerJSON: String?, tokenizerConfig: String?, vocabulary: String?, merges: String?,
      sentencePiece: String?, chatTemplate: String?)
  }

  public let configuration: ModelConfiguration
  /// The key–value pairs of a GGUF file; empty for Hugging Face.
  public let metadata: Metadata
  /// By canonical name: GGUF's (`blk.0.attn_q.weight`), whatever the format.
  package let tensors: [String: TensorInfo]
  public let format: Format
  public let tokenizerSource: TokenizerSource
  /// The file that was opened first, for error messages.
  public let path: String
  /// The GGUF file that `metadata` stands in.
  package let metadataFile: GGUFFile?

  /// Bytes of all tensors as they stand in the files.
  public var weightByteCount: Int { tensors.values.reduce(0) { $0 + $1.byteCount } }

  /// Bytes of all tensors when floats are quantised while they are loaded.
  public func weightByteCount(quantized type: QuantizationType?) -> Int {
    guard let plan = type.map({ QuantizationPlan($0, for: self) }) else { return weightByteCount }
    return tensors.values.reduce(0) {
      $0 + (plan.loadedType(of: $1).byteCount(of: $1.elementCount) ?? $1.byteCount)
    }
  }

  /// The files that hold tensors, by path.
  var files: [MappedFile] {
    var files: [ObjectIdentifier: MappedFile] = [:]
    for tensor in tensors.values { files[ObjectIdentifier(tensor.file)] = tensor.file }
    return files.values.sorted { $0.path < $1.path }
  }

  /// What packed weights depend on, apart from the content of the files: one line a tensor.
  func packDescription(_ precision: Precision, _ plan: QuantizationPlan?) -> String {
    let files = files
    let lines = tensors.values.sorted { $0.name < $1.name }.map { tensor in
      let type = plan?.loadedType(of: tensor) ?? tensor.type
      let file = files.firstIndex { $0 === tensor.file } ?? 0
      return
        "\(tensor.name) \(tensor.type.name) \(type.name) \(tensor.shape) \(file) \(tensor.offset)"
    }
    let head = ["precision \(precision.rawValue)", "tied \(configuration.tiedEmbeddings)"]
    return (head + lines).joined(separator: "\n")
  }

  /// Names, types and shapes of the weights as they are loaded: checkpoints that agree in them are as fast.
  package func shapeDescription(
    precision: Precision, quantization: QuantizationType? = nil
  ) -> String {
    packDescription(precision, quantization.map { QuantizationPlan($0, for: self) })
  }

  /// The tensor of that canonical name; throws an error that names it when it is missing.
  package func tensor(_ name: String) throws -> TensorInfo {
    guard let tensor = tensors[name] else {
      throw CheckpointError.missingTensor(file: path, tensor: name)
    }
    return tensor
  }
}

extension Checkpoint {
  /// Opens a model: a `.gguf` file (or any part of a split one), a directory, or a `.safetensors` file or index with
  /// `config.json` beside it.
  ///
  /// Throws `FileError` or `CheckpointError`, in one line that names the file and what is wrong in it.
  public static func open(_ path: String) throws -> Checkpoint {
    switch try ModelLocation(path) {
    case .gguf(let path): try Checkpoint(gguf: path)
    case .huggingFace(let folder, let weights):
      try Checkpoint(huggingFaceFolder: folder, weights: weights)
    }
  }

  /// Where the tokenizer of the model at `path` is described; the weights are not looked at.
  public static func tokenizerSource(_ path: String) throws -> TokenizerSource {
    switch try ModelLocation(path) {
    case .gguf(let path): .metadata(try GGUFShards(path: path).metadata)
    case .huggingFace(let folder, _): tokenizerFiles(in: folder)
    }
  }

  private init(gguf path: String) throws {
    let shards = try GGUFShards(path: path)
    let tensors = try shards.tensors()
    configuration = try ModelConfiguration(
      metadata: shards.metadata, tensors: tensors, name: ModelLocation.name(ofFile: path),
      file: path)
    metadata = shards.metadata
    metadataFile = shards.files[0]
    self.tensors = tensors
    format = .gguf(version: shards.files[0].version)
    tokenizerSource = .metadata(shards.metadata)
    self.path = path
    try CheckpointValidation(
      configuration: configuration, tensors: tensors, unsupported: [:], file: path
    ).run()
  }

  private init(huggingFaceFolder folder: String, weights: ModelLocation.Weights) throws {
    let configurationPath = folder + "/config.json"
    configuration = try ModelConfiguration(
      json: try readJSON(configurationPath), name: ModelLocation.name(ofFile: folder),
      file: configurationPath)
    let shards: SafetensorsShards
    switch weights {
    case .file(let file):
      path = file
      shards = try SafetensorsShards(file: file)
    case .index(let index):
      path = index
      shards = try SafetensorsShards(index: index)
    }
    metadata = [:]
    metadataFile = nil
    format = .safetensors
    tokenizerSource = Self.tokenizerFiles(in: folder)
    var unsupported: [String: String] = [:]
    for (name, type) in shards.unsupported where !TensorNames.isLeftOut(name) {
      unsupported[TensorNames.canonical(name) ?? name] = type
    }
    tensors = try Self.canonicalTensors(
      shards.tensors, tied: configuration.tiedEmbeddings, file: path)
    if configuration.tiedEmbeddings { unsupported["output.weight"] = nil }
    try CheckpointValidation(
      configuration: configuration, tensors: tensors, unsupported: unsupported, file: path
    ).run()
  }

  /// The tensors by canonical name.
  ///
  /// Where the configuration ties the head to the embedding, only the embedding is kept; files may hold the shared
  /// matrix under either name, because safetensors stores shared memory once.
  private static func canonicalTensors(
    _ tensors: [String: TensorInfo], tied: Bool, file: String
  ) throws -> [String: TensorInfo] {
    var result: [String: TensorInfo] = [:]
    for (name, tensor) in tensors where !TensorNames.isLeftOut(name) {
      let canonical = TensorNames.canonical(name) ?? name
      guard result.updateValue(tensor.renamed(canonical), forKey: canonical) == nil else {
        throw CheckpointError.malformed(file: file, reason: "tensor '\(canonical)' stands twice")
      }
    }
    if tied, let head = result.removeValue(forKey: "output.weight"),
      result["token_embd.weight"] == nil
    {
      result["token_embd.weight"] = head.renamed("token_embd.weight")
    }
    return result
  }
}
