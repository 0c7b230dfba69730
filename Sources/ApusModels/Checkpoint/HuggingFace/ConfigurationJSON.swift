import ApusCore

/// What sets one `model_type` of Hugging Face apart from the others here; defaults are those of transformers.
private struct ModelFamily {
  var architecture: String
  var contextLength: Int
  var ropeBase = 10000.0
  var tiedEmbeddings = false
  var headDimension: Int?
}

extension ModelConfiguration {
  private static let families: [String: ModelFamily] = [
    "llama": ModelFamily(architecture: "llama", contextLength: 2048),
    "mistral": ModelFamily(architecture: "llama", contextLength: 131_072),
    "qwen2": ModelFamily(architecture: "qwen2", contextLength: 32768),
    "qwen3": ModelFamily(architecture: "qwen3", contextLength: 32768, headDimension: 128),
    "smollm3": ModelFamily(
      architecture: "llama", contextLength: 32768, ropeBase: 2_000_000, tiedEmbeddings: true),
  ]

  /// Reads a Hugging Face `config.json`; `name` is what to call a model that does not name itself.
  package init(json: JSONValue, name: String, file: String) throws {
    let reader = ConfigurationReader(json: json, file: file)
    let type = try reader.string("model_type") ?? ""
    if type == "bert" {
      try self.init(bert: reader, name: name)
      return
    }
    guard let family = Self.families[type] else {
      throw CheckpointError.unknownArchitecture(
        file: file, name: type, known: (Self.families.keys + ["bert"]).sorted())
    }
    try Self.refuseUnsupported(reader)
    let hiddenSize = try reader.size("hidden_size", limit: SizeLimit.width)
    let shape = try Self.shape(reader, family, hiddenSize: hiddenSize)
    self.init(
      architecture: family.architecture,
      name: try reader.string("_name_or_path").flatMap { $0.isEmpty ? nil : $0 } ?? name,
      shape: shape, hiddenSize: hiddenSize,
      intermediateSize: try reader.size("intermediate_size", limit: SizeLimit.width),
      normEpsilon: Float(try reader.positive("rms_norm_eps", default: 1e-6)),
      rope: try RopeConfiguration(reader, shape: shape, defaultBase: family.ropeBase),
      tiedEmbeddings: try reader.flag("tie_word_embeddings", default: family.tiedEmbeddings))
    if case .yarn(let factor, let original, _, _, _, _, _, _) = rope.scaling {
      let extended = Int(min(factor * Double(original), Double(SizeLimit.context)))
      self.shape.contextLength = max(shape.contextLength, extended)
    }
    if type == "smollm3" { try readUnrotatedLayers(reader) }
    try readSlidingWindow(reader, type: type)
  }

  private static func refuseUnsupported(_ reader: ConfigurationReader) throws {
    if let activation = try reader.string("hidden_act"), activation != "silu" {
      throw reader.invalid("hidden_act", "is '\(activation)'; only 'silu' is supported")
    }
    if reader.value("quantization_config") != nil {
      throw reader.invalid(
        "quantization_config", "is set: quantised safetensors are not supported, GGUF is")
    }
    if let experts = reader.value("num_local_experts") ?? reader.value("num_experts") {
      throw reader.invalid(
        "num_experts", "is \(experts.text): mixtures of experts are not supported")
    }
  }

  private static func shape(
    _ reader: ConfigurationReader, _ family: ModelFamily, hiddenSize: Int
  ) throws -> ModelShape {
    let heads = try reader.size("num_attention_heads", limit: SizeLimit.heads)
    let kvHeads = try reader.size("num_key_value_heads", default: heads, limit: SizeLimit.heads)
    guard heads % kvHeads == 0 else {
      throw reader.invalid("num_key_value_heads", "is \(kvHeads), which does not divide \(heads)")
    }
    let headDimension = try reader.size(
      "head_dim", default: family.headDimension ?? hiddenSize / heads,
      limit: SizeLimit.headDimension)
    guard headDimension > 0, headDimension % 2 == 0 else {
      throw reader.invalid("head_dim", "is \(headDimension), expected an even number above 0")
    }
    return ModelShape(
      layerCount: try reader.size("num_hidden_layers", limit: SizeLimit.layers),
      headCount: heads, kvHeadCount: kvHeads, headDimension: headDimension,
      vocabularySize: try reader.size("vocab_size", limit: SizeLimit.vocabulary),
      contextLength: try reader.size(
        "max_position_embeddings", default: family.contextLength, limit: SizeLimit.context))
  }

  /// SmolLM3: `no_rope_layers` holds 0 for a layer without rotation; else every n-th layer is one.
  private mutating func readUnrotatedLayers(_ reader: ConfigurationReader) throws {
    let layers = 0..<shape.layerCount
    if let flags = reader.value("no_rope_layers") {
      guard let flags = flags.arrayValue?.map(\.intValue), flags.count == layers.count else {
        throw reader.invalid("no_rope_layers", "is no list of \(layers.count) integers")
      }
      rope.unrotatedLayers = Set(layers.filter { flags[$0] == 0 })
    } else {
      let interval = try reader.size("no_rope_layer_interval", default: 4, limit: SizeLimit.layers)
      rope.unrotatedLayers = Set(layers.filter { ($0 + 1) % interval == 0 })
    }
  }

  private mutating func readSlidingWindow(_ reader: ConfigurationReader, type: String) throws {
    switch type {
    case "mistral":
      if reader.json["sliding_window"]?.isNull == true { return }
      slidingWindow = try reader.size("sliding_window", default: 4096, limit: SizeLimit.context)
    case "qwen2", "qwen3", "smollm3":
      guard try reader.flag("use_sliding_window", default: false) else { return }
      if reader.json["sliding_window"]?.isNull == true { return }
      slidingWindow = try reader.size("sliding_window", default: 4096, limit: SizeLimit.context)
      slidingWindowLayers = try windowLayers(reader, type: type)
    default: break
    }
    if slidingWindowLayers.allSatisfy({ $0 }) { slidingWindowLayers = [] }
    if !slidingWindowLayers.isEmpty, !slidingWindowLayers.contains(true) {
      slidingWindow = nil
      slidingWindowLayers = []
    }
  }

  private func windowLayers(_ reader: ConfigurationReader, type: String) throws -> [Bool] {
    let layers = 0..<shape.layerCount
    if let types = reader.value("layer_types") {
      guard let types = types.arrayValue?.map(\.stringValue), types.count == layers.count else {
        throw reader.invalid("layer_types", "is no list of \(layers.count) strings")
      }
      return try types.map {
        switch $0 {
        case "sliding_attention": true
        case "full_attention": false
        default: throw reader.invalid("layer_types", "has the unknown type '\($0 ?? "")'")
        }
      }
    }
    if type == "smollm3" { return layers.map { rope.unrotatedLayers.contains($0) } }
    var first = 28
    if let value = reader.value("max_window_layers") {
      guard let number = value.intValue, number >= 0 else {
        throw reader.invalid("max_window_layers", "is \(value.text), expected an integer")
      }
      first = number
    }
    return layers.map { $0 >= first }
  }
}
