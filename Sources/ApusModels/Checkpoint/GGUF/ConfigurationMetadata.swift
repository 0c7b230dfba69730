import ApusCore

/// Reads the keys of one architecture from a GGUF file's metadata, with checks that name the key.
struct MetadataReader {
  let metadata: Metadata
  let architecture: String
  let file: String

  func invalid(_ key: String, _ problem: String) -> CheckpointError {
    .invalidField(file: file, field: "\(architecture).\(key)", problem: problem)
  }

  func value(_ key: String) -> MetadataValue? { metadata["\(architecture).\(key)"] }

  /// A positive size up to `limit`; a list, one value a layer, counts when all are equal.
  func size(_ key: String, default defaultValue: Int? = nil, limit: Int) throws -> Int {
    guard let value = value(key) else {
      guard let defaultValue else { throw invalid(key, "is missing") }
      return defaultValue
    }
    var number = value.intValue
    if let list = value.integersValue, let first = list.first {
      guard list.allSatisfy({ $0 == first }) else {
        throw invalid(key, "differs by layer, which is not supported")
      }
      number = Int(exactly: first)
    }
    guard let number, (1...limit).contains(number) else {
      throw invalid(key, "is no integer from 1 to \(limit)")
    }
    return number
  }

  func positive(_ key: String, default defaultValue: Double? = nil) throws -> Double {
    guard let value = value(key) else {
      guard let defaultValue else { throw invalid(key, "is missing") }
      return defaultValue
    }
    guard let number = value.doubleValue, number > 0, number.isFinite else {
      throw invalid(key, "is no number above 0")
    }
    return number
  }
}

extension ModelConfiguration {
  /// The values of `general.architecture` that can be run, with the architecture's name here and its rope layout.
  private static let ggufArchitectures: [String: (name: String, layout: RopeConfiguration.Layout)] =
    [
      "llama": ("llama", .interleaved), "mistral": ("llama", .interleaved),
      "smollm3": ("llama", .interleaved), "qwen2": ("qwen2", .half), "qwen3": ("qwen3", .half),
    ]

  /// Reads a GGUF file's metadata and the small tensors that belong to it.
  package init(metadata: Metadata, tensors: [String: TensorInfo], name: String, file: String) throws
  {
    let type = metadata["general.architecture"]?.stringValue ?? ""
    let reader = MetadataReader(metadata: metadata, architecture: type, file: file)
    if type == "bert" {
      try self.init(bert: reader, tensors: tensors, name: name)
      return
    }
    guard let architecture = Self.ggufArchitectures[type] else {
      throw CheckpointError.unknownArchitecture(
        file: file, name: type, known: (Self.ggufArchitectures.keys + ["bert"]).sorted())
    }
    if let experts = reader.value("expert_count")?.intValue, experts > 0 {
      throw reader.invalid(
        "expert_count", "is \(experts): mixtures of experts are not supported")
    }
    let hiddenSize = try reader.size("embedding_length", limit: SizeLimit.width)
    let shape = try Self.shape(reader, tensors: tensors, hiddenSize: hiddenSize)
    self.init(
      architecture: architecture.name,
      name: metadata["general.name"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 } ?? name,
      shape: shape, hiddenSize: hiddenSize,
      intermediateSize: try reader.size("feed_forward_length", limit: SizeLimit.width),
      normEpsilon: Float(try reader.positive("attention.layer_norm_rms_epsilon", default: 1e-6)),
      rope: try RopeConfiguration(
        reader, shape: shape, layout: architecture.layout, tensors: tensors),
      tiedEmbeddings: tensors["output.weight"] == nil)
    if type == "smollm3" {
      rope.unrotatedLayers = Set((0..<shape.layerCount).filter { ($0 + 1) % 4 == 0 })
    }
    try readSlidingWindow(reader)
  }

  private static func shape(
    _ reader: MetadataReader, tensors: [String: TensorInfo], hiddenSize: Int
  ) throws -> ModelShape {
    let heads = try reader.size("attention.head_count", limit: SizeLimit.heads)
    let kvHeads = try reader.size(
      "attention.head_count_kv", default: heads, limit: SizeLimit.heads)
    guard heads % kvHeads == 0 else {
      throw reader.invalid(
        "attention.head_count_kv", "is \(kvHeads), which does not divide \(heads)")
    }
    let headDimension = try reader.size(
      "attention.key_length", default: hiddenSize / heads, limit: SizeLimit.headDimension)
    guard headDimension > 0, headDimension % 2 == 0 else {
      throw reader.invalid(
        "attention.key_length", "gives \(headDimension), expected an even number")
    }
    guard
      try reader.size(
        "attention.value_length", default: headDimension, limit: SizeLimit.headDimension)
        == headDimension
    else { throw reader.invalid("attention.value_length", "differs from the key length") }
    let tokens = reader.metadata["tokenizer.ggml.tokens"]?.stringsValue?.count
    let vocabulary = try reader.size(
      "vocab_size", default: tokens ?? tensors["token_embd.weight"]?.shape.first,
      limit: SizeLimit.vocabulary)
    return ModelShape(
      layerCount: try reader.size("block_count", limit: SizeLimit.layers), headCount: heads,
      kvHeadCount: kvHeads, headDimension: headDimension, vocabularySize: vocabulary,
      contextLength: try reader.size("context_length", limit: SizeLimit.context))
  }

  private mutating func readSlidingWindow(_ reader: MetadataReader) throws {
    guard let window = reader.value("attention.sliding_window"), window.intValue != 0 else {
      return
    }
    slidingWindow = try reader.size("attention.sliding_window", limit: SizeLimit.context)
    guard let pattern = reader.value("attention.sliding_window_pattern") else { return }
    guard case .bools(let flags) = pattern, flags.count == shape.layerCount else {
      throw reader.invalid(
        "attention.sliding_window_pattern", "is no list of \(shape.layerCount) flags")
    }
    slidingWindowLayers = flags
  }
}
