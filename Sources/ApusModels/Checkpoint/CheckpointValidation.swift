import ApusCompute

/// Checks that a checkpoint has exactly the tensors its configuration asks for, in the right shapes.
struct CheckpointValidation {
  let configuration: ModelConfiguration
  let tensors: [String: TensorInfo]
  /// Tensors whose numbers no kernel reads, with the type.
  let unsupported: [String: String]
  let file: String

  /// Tensors without a place in the forward pass that files may hold all the same.
  private static let ignored: Set<String> = [
    "rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight",
  ]

  func run() throws {
    var seen = Self.ignored
    for (name, shape, isRequired) in expectedTensors(inLayer: nil) {
      try check(name, shape, isRequired: isRequired)
      seen.insert(name)
    }
    for layer in 0..<configuration.shape.layerCount {
      for (name, shape, isRequired) in expectedTensors(inLayer: layer) {
        try check(name, shape, isRequired: isRequired)
        seen.insert(name)
      }
    }
    let rest = Set(tensors.keys).union(unsupported.keys).subtracting(seen)
    if let name = rest.min() {
      throw CheckpointError.unexpectedTensor(
        file: file, tensor: name, architecture: configuration.architecture)
    }
  }

  private func check(_ name: String, _ shape: [Int], isRequired: Bool) throws {
    guard let tensor = tensors[name] else {
      if let type = unsupported[name] {
        throw CheckpointError.unsupportedType(file: file, tensor: name, type: type)
      }
      guard isRequired else { return }
      throw CheckpointError.missingTensor(file: file, tensor: name)
    }
    guard tensor.shape == shape else {
      throw CheckpointError.wrongShape(
        file: tensor.file.path, tensor: name, expected: shape, found: tensor.shape)
    }
  }

  typealias Expectation = (name: String, shape: [Int], isRequired: Bool)

  private func expectedTensors(inLayer layer: Int?) -> [Expectation] {
    if let encoder = configuration.encoder { return expectedTensors(of: encoder, inLayer: layer) }
    let shape = configuration.shape
    let hidden = configuration.hiddenSize
    guard let layer else {
      return [
        ("token_embd.weight", [shape.vocabularySize, hidden], true),
        ("output_norm.weight", [hidden], true),
        ("output.weight", [shape.vocabularySize, hidden], !configuration.tiedEmbeddings),
      ]
    }
    let wide = configuration.intermediateSize
    let queries = shape.headCount * shape.headDimension
    let keys = shape.kvHeadCount * shape.headDimension
    let biased = configuration.architecture == "qwen2"
    let normed = configuration.architecture == "qwen3"
    let linear: [(name: String, rows: Int, columns: Int, biasIsRequired: Bool)] = [
      ("attn_q", queries, hidden, biased), ("attn_k", keys, hidden, biased),
      ("attn_v", keys, hidden, biased), ("attn_output", hidden, queries, false),
      ("ffn_gate", wide, hidden, false), ("ffn_up", wide, hidden, false),
      ("ffn_down", hidden, wide, false),
    ]
    var result: [Expectation] = [
      ("attn_norm.weight", [hidden], true), ("ffn_norm.weight", [hidden], true),
    ]
    for part in linear {
      result.append((part.name + ".weight", [part.rows, part.columns], true))
      result.append((part.name + ".bias", [part.rows], part.biasIsRequired))
    }
    if normed {
      result.append(("attn_q_norm.weight", [shape.headDimension], true))
      result.append(("attn_k_norm.weight", [shape.headDimension], true))
    }
    return result.map { ("blk.\(layer).\($0.name)", $0.shape, $0.isRequired) }
  }
}
