import ApusCompute

/// What `apus quantize --type` takes, with the rules for tensors that need another type.
// swift-format-ignore: AlwaysUseLowerCamelCase
public enum QuantizationType: String, Sendable, CaseIterable {
  case f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, q2_k, q3_k, q4_k, q5_k, q6_k

  package var tensorType: TensorType {
    switch self {
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    case .q8_0: .q8_0
    case .q4_0: .q4_0
    case .q4_1: .q4_1
    case .q5_0: .q5_0
    case .q5_1: .q5_1
    case .q2_k: .q2_K
    case .q3_k: .q3_K
    case .q4_k: .q4_K
    case .q5_k: .q5_K
    case .q6_k: .q6_K
    }
  }

  /// `general.file_type`: llama.cpp's number for the mixture; q3_k to q5_k are its "S" ones.
  package var fileType: UInt32 {
    switch self {
    case .f32: 0
    case .f16: 1
    case .q4_0: 2
    case .q4_1: 3
    case .q8_0: 7
    case .q5_0: 8
    case .q5_1: 9
    case .q2_k: 10
    case .q3_k: 11
    case .q4_k: 14
    case .q5_k: 16
    case .q6_k: 18
    case .bf16: 32
    }
  }

  /// Parses a name in any case; `q4_K_S` and the like count as `q4_k`.
  public init?(parsing text: String) {
    let name = text.lowercased()
    let short = name.hasSuffix("_k_s") ? String(name.dropLast(2)) : name
    self.init(rawValue: short)
  }
}

/// Which type each tensor gets: llama.cpp's rules (`llama-quant.cpp`) for Q2_K, Q3_K_S, Q4_K_S, Q5_K_S and the rest.
///
/// Vectors stay F32. The output matrix, or the embedding that takes its place, is Q6_K, and Q8_0 where that does not
/// fit. Some matrices get more bits. `isPure` leaves out all exceptions but those of shape.
package struct QuantizationPlan: Sendable {
  package let type: QuantizationType
  package let isPure: Bool
  package let configuration: ModelConfiguration

  package init(type: QuantizationType, isPure: Bool, configuration: ModelConfiguration) {
    self.type = type
    self.isPure = isPure
    self.configuration = configuration
  }

  /// For the weights of a checkpoint that are quantised while they are loaded.
  package init(_ type: QuantizationType, for checkpoint: Checkpoint) {
    self.init(type: type, isPure: false, configuration: checkpoint.configuration)
  }

  /// The type of a tensor that is quantised while it is loaded: one that is quantised already keeps its own.
  func loadedType(of tensor: TensorInfo) -> TensorType {
    tensor.type.blockSize > 1 ? tensor.type : target(name: tensor.name, shape: tensor.shape)
  }

  /// The type of the tensor of that canonical name and shape.
  package func target(name: String, shape: [Int]) -> TensorType {
    guard shape.count > 1, name.hasSuffix(".weight") else { return .f32 }
    let columns = shape[shape.count - 1]
    let wanted = isPure ? type.tensorType : mixture(name: name, columns: columns)
    return Self.fallback(wanted, columns: columns)
  }

  private func mixture(name: String, columns: Int) -> TensorType {
    let base = type.tensorType
    guard ![.f32, .f16, .bf16].contains(type) else { return base }
    let output = configuration.tiedEmbeddings ? "token_embd.weight" : "output.weight"
    if name == output {
      return columns % base.blockSize != 0 || base == .q8_0 ? .q8_0 : .q6_K
    }
    guard let layer = layer(of: name) else { return base }
    if name.hasSuffix("attn_v.weight") { return attentionValue(layer: layer, base: base) }
    let isDown = name.hasSuffix("ffn_down.weight")
    if base == .q2_K, isDown || name.hasSuffix("attn_output.weight") { return .q3_K }
    if base == .q4_K, isDown, layer < configuration.shape.layerCount / 8 { return .q5_K }
    return base
  }

  private func attentionValue(layer: Int, base: TensorType) -> TensorType {
    let shape = configuration.shape
    var result = base
    if base == .q2_K { result = shape.headCount / shape.kvHeadCount >= 4 ? .q4_K : .q3_K }
    if base == .q4_K, layer < 4 { result = .q5_K }
    // Models of 70 B share one small value matrix among many heads.
    let isLarge = shape.layerCount == 80 && shape.headCount != shape.kvHeadCount
    if isLarge, result == .q3_K || result == .q4_K { result = .q5_K }
    return result
  }

  private func layer(of name: String) -> Int? {
    let parts = name.split(separator: ".")
    return parts.count > 2 && parts[0] == "blk" ? Int(parts[1]) : nil
  }

  /// The nearest type whose blocks divide a row.
  private static func fallback(_ type: TensorType, columns: Int) -> TensorType {
    guard columns % type.blockSize != 0 else { return type }
    let smaller: TensorType
    switch type {
    case .q2_K, .q3_K: smaller = .q4_0
    case .q4_K: smaller = .q5_0
    case .q5_K: smaller = .q5_1
    case .q6_K: smaller = .q8_0
    default: smaller = .f16
    }
    return columns % smaller.blockSize == 0 ? smaller : .f16
  }
}
