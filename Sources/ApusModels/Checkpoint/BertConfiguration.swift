import ApusCore

extension ModelConfiguration {
  /// Reads BERT's `config.json`; defaults are those of transformers.
  init(bert reader: ConfigurationReader, name: String) throws {
    for (field, supported) in [("hidden_act", "gelu"), ("position_embedding_type", "absolute")] {
      if let value = try reader.string(field), value != supported {
        throw reader.invalid(field, "is '\(value)'; only '\(supported)' is supported")
      }
    }
    for field in ["is_decoder", "add_cross_attention"] {
      if try reader.flag(field, default: false) {
        throw reader.invalid(field, "is true: only BERT as an encoder is supported")
      }
    }
    if reader.value("quantization_config") != nil {
      throw reader.invalid(
        "quantization_config", "is set: quantised safetensors are not supported, GGUF is")
    }
    let classes = reader.value("architectures")?.arrayValue?.compactMap(\.stringValue) ?? []
    let labels = reader.value("id2label")?.objectValue?.count
    let heads = try reader.size("num_attention_heads", default: 12, limit: SizeLimit.heads)
    let hidden = try reader.size("hidden_size", default: 768, limit: SizeLimit.width)
    guard hidden % heads == 0 else {
      throw reader.invalid("num_attention_heads", "is \(heads), which does not divide \(hidden)")
    }
    self.init(
      encoderNamed: try reader.string("_name_or_path").flatMap { $0.isEmpty ? nil : $0 } ?? name,
      layerCount: try reader.size("num_hidden_layers", default: 12, limit: SizeLimit.layers),
      headCount: heads, hiddenSize: hidden,
      intermediateSize: try reader.size(
        "intermediate_size", default: 3072, limit: SizeLimit.width),
      vocabularySize: try reader.size("vocab_size", default: 30522, limit: SizeLimit.vocabulary),
      contextLength: try reader.size(
        "max_position_embeddings", default: 512, limit: SizeLimit.context),
      normEpsilon: try reader.positive("layer_norm_eps", default: 1e-12),
      encoder: EncoderConfiguration(
        tokenTypeCount: try reader.size("type_vocab_size", default: 2, limit: SizeLimit.heads),
        labelCount: classes.contains("BertForSequenceClassification") ? labels ?? 2 : nil))
  }

  /// Reads the keys of a GGUF file of architecture `bert`.
  init(bert reader: MetadataReader, tensors: [String: TensorInfo], name: String) throws {
    if reader.value("attention.causal")?.boolValue == true {
      throw reader.invalid("attention.causal", "is true: only BERT as an encoder is supported")
    }
    let heads = try reader.size("attention.head_count", limit: SizeLimit.heads)
    let hidden = try reader.size("embedding_length", limit: SizeLimit.width)
    guard hidden % heads == 0 else {
      throw reader.invalid(
        "attention.head_count", "is \(heads), which does not divide \(hidden)")
    }
    let metadata = reader.metadata
    let tokens = metadata["tokenizer.ggml.tokens"]?.stringsValue?.count
    self.init(
      encoderNamed: metadata["general.name"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        ?? name,
      layerCount: try reader.size("block_count", limit: SizeLimit.layers), headCount: heads,
      hiddenSize: hidden,
      intermediateSize: try reader.size("feed_forward_length", limit: SizeLimit.width),
      vocabularySize: try reader.size(
        "vocab_size", default: tokens ?? tensors["token_embd.weight"]?.shape.first,
        limit: SizeLimit.vocabulary),
      contextLength: try reader.size("context_length", limit: SizeLimit.context),
      normEpsilon: try reader.positive("attention.layer_norm_epsilon", default: 1e-12),
      encoder: EncoderConfiguration(
        tokenTypeCount: tensors["token_types.weight"]?.shape.first ?? 0,
        labelCount: tensors["cls.output.weight"]?.shape.first))
  }

  private init(
    encoderNamed name: String, layerCount: Int, headCount: Int, hiddenSize: Int,
    intermediateSize: Int, vocabularySize: Int, contextLength: Int, normEpsilon: Double,
    encoder: EncoderConfiguration
  ) {
    let dimension = hiddenSize / headCount
    self.init(
      architecture: "bert", name: name,
      shape: ModelShape(
        layerCount: layerCount, headCount: headCount, kvHeadCount: headCount,
        headDimension: dimension, vocabularySize: vocabularySize, contextLength: contextLength),
      hiddenSize: hiddenSize, intermediateSize: intermediateSize,
      normEpsilon: Float(normEpsilon),
      rope: RopeConfiguration(base: 1, dimension: dimension, layout: .half, scaling: .none),
      tiedEmbeddings: false)
    rope.unrotatedLayers = Set(0..<layerCount)  // positions are embedded
    self.encoder = encoder
  }
}
