import ApusCompute
import ApusCore
import ApusModels

/// Makes small random models, as GGUF bytes or as the files of a Hugging Face folder.
struct ModelBuilder {
  var architecture = "llama"
  var layers = 2
  var hidden = 32
  var wide = 64
  var heads = 4
  var kvHeads = 2
  var headDimension = 8
  var vocabulary = 24
  var context = 64
  var tied = false
  var type = TensorType.f32
  /// Changes to the metadata or config.json; nil removes a key.
  var changes: [String: GGUFValue?] = [:]
  var seed: UInt64 = 1

  /// Canonical names and shapes in the order of a file.
  var shapes: [(name: String, shape: [Int])] {
    let queries = heads * headDimension
    let keys = kvHeads * headDimension
    var result: [(name: String, shape: [Int])] = [
      ("token_embd.weight", [vocabulary, hidden]), ("output_norm.weight", [hidden]),
    ]
    if !tied { result.append(("output.weight", [vocabulary, hidden])) }
    for layer in 0..<layers {
      var parts: [(String, [Int])] = [
        ("attn_norm.weight", [hidden]), ("attn_q.weight", [queries, hidden]),
        ("attn_k.weight", [keys, hidden]), ("attn_v.weight", [keys, hidden]),
        ("attn_output.weight", [hidden, queries]), ("ffn_norm.weight", [hidden]),
        ("ffn_gate.weight", [wide, hidden]), ("ffn_up.weight", [wide, hidden]),
        ("ffn_down.weight", [hidden, wide]),
      ]
      if architecture == "qwen2" {
        parts += [
          ("attn_q.bias", [queries]), ("attn_k.bias", [keys]), ("attn_v.bias", [keys]),
        ]
      }
      if architecture == "qwen3" {
        parts += [("attn_q_norm.weight", [headDimension]), ("attn_k_norm.weight", [headDimension])]
      }
      result += parts.map { ("blk.\(layer).\($0.0)", $0.1) }
    }
    return result
  }

  /// The numbers of one tensor, the same in every format.
  func numbers(_ name: String, _ shape: [Int]) -> [Float] {
    var random = RandomSource(seed: name.utf8.reduce(seed) { $0 &* 31 &+ UInt64($1) })
    return (0..<shape.reduce(1, *)).map { _ in Float(random.nextUnit() - 0.5) }
  }

  var metadata: [(key: String, value: GGUFValue)] {
    func size(_ key: String, _ value: Int) -> (key: String, value: GGUFValue) {
      ("\(architecture).\(key)", .uint32(UInt32(value)))
    }
    var result: [(key: String, value: GGUFValue)] = [
      ("general.architecture", .string(architecture)), ("general.name", .string("tiny")),
      size("block_count", layers), size("context_length", context),
      size("embedding_length", hidden), size("feed_forward_length", wide),
      size("attention.head_count", heads), size("attention.head_count_kv", kvHeads),
      size("attention.key_length", headDimension), size("attention.value_length", headDimension),
      ("\(architecture).attention.layer_norm_rms_epsilon", .float32(1e-5)),
      ("\(architecture).rope.freq_base", .float32(10000)),
      ("tokenizer.ggml.model", .string("llama")),
      ("tokenizer.ggml.tokens", .strings((0..<vocabulary).map { "token\($0)" })),
      ("tokenizer.ggml.scores", .float32s((0..<vocabulary).map { -Float($0) })),
      ("tokenizer.ggml.token_type", .int32s(.init(repeating: 1, count: vocabulary))),
      ("tokenizer.ggml.bos_token_id", .uint32(1)), ("tokenizer.ggml.add_bos_token", .bool(true)),
    ]
    for (key, value) in changes.sorted(by: { $0.key < $1.key }) {
      result.removeAll { $0.key == key }
      if let value { result.append((key, value)) }
    }
    return result
  }

  var gguf: [UInt8] {
    let tensors = shapes.map {
      GGUFWriter.Tensor(name: $0.name, type: $0.shape.count > 1 ? type : .f32, shape: $0.shape)
    }
    var bytes = GGUFWriter.header(metadata: metadata, tensors: tensors)
    for tensor in tensors {
      bytes += quantize(tensor.type, numbers(tensor.name, tensor.shape))
      while bytes.count % 32 != 0 { bytes.append(0) }
    }
    return bytes
  }

  /// config.json with `extra` fields added or replaced; a null stays.
  func config(_ extra: JSONObject = JSONObject()) -> JSONValue {
    func number(_ value: Int) -> JSONValue { .integer(Int64(value)) }
    var object = JSONObject([
      ("model_type", .string(architecture)), ("hidden_size", number(hidden)),
      ("intermediate_size", number(wide)), ("num_hidden_layers", number(layers)),
      ("num_attention_heads", number(heads)), ("num_key_value_heads", number(kvHeads)),
      ("head_dim", number(headDimension)), ("vocab_size", number(vocabulary)),
      ("max_position_embeddings", number(context)), ("rms_norm_eps", .number(1e-5)),
      ("rope_theta", .number(10000)), ("tie_word_embeddings", .bool(tied)),
    ])
    for (key, value) in extra.entries { object[key] = value }
    return .object(object)
  }

  /// The names that Hugging Face gives the tensors.
  static func huggingFaceName(_ name: String) -> String {
    let parts = name.split(separator: ".").map(String.init)
    let names = [
      "token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head",
      "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
      "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
      "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm",
      "attn_k_norm": "self_attn.k_norm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
      "ffn_down": "mlp.down_proj",
    ]
    let part = names[parts[parts.count - 2]] ?? ""
    return parts[0] == "blk"
      ? "model.layers.\(parts[1]).\(part).\(parts[3])" : "\(part).\(parts[1])"
  }

  var safetensors: [UInt8] {
    Self.safetensors(
      shapes.map {
        (
          Self.huggingFaceName($0.name), type.name, $0.shape,
          quantize(type, numbers($0.name, $0.shape))
        )
      })
  }

  static func safetensors(
    _ tensors: [(name: String, type: String, shape: [Int], bytes: [UInt8])]
  ) -> [UInt8] {
    var header = JSONObject([("__metadata__", ["format": "pt"])])
    var data: [UInt8] = []
    for tensor in tensors {
      header[tensor.name] = [
        "dtype": .string(tensor.type), "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
        "data_offsets": [
          .integer(Int64(data.count)), .integer(Int64(data.count + tensor.bytes.count)),
        ],
      ]
      data += tensor.bytes
    }
    return safetensors(header: JSONValue.object(header).utf8, data: data)
  }

  static func safetensors(header: [UInt8], data: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: UInt64(header.count))
    return bytes + header + data
  }

  func writeFolder(_ folder: TemporaryFolder, config extra: JSONObject = JSONObject()) throws {
    _ = try folder.write(safetensors, "model.safetensors")
    _ = try folder.write(config(extra).utf8, "config.json")
  }
}
