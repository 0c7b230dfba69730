import ApusCompute
import Foundation

/// The keys and small tensors by which llama.cpp knows a Hugging Face model.
struct ConfigurationExport {
  let configuration: ModelConfiguration
  let quantization: QuantizationType
  let file: String
  private let architecture: String

  init(
    configuration: ModelConfiguration, quantization: QuantizationType, file: String
  ) throws {
    self.configuration = configuration
    self.quantization = quantization
    self.file = file
    architecture = try Self.architecture(configuration, file: file)
  }

  /// GGUF's name; SmolLM3 is the Llama whose every fourth layer is not rotated.
  private static func architecture(
    _ configuration: ModelConfiguration, file: String
  ) throws -> String {
    guard configuration.encoder == nil else {
      throw CheckpointError.invalidField(
        file: file, field: "model_type",
        problem: "is '\(configuration.architecture)': encoders are converted to GGUF by llama.cpp")
    }
    let unrotated = configuration.rope.unrotatedLayers
    guard !unrotated.isEmpty else { return configuration.architecture }
    let everyFourth = (0..<configuration.shape.layerCount).filter { ($0 + 1) % 4 == 0 }
    guard configuration.architecture == "llama", unrotated == Set(everyFourth) else {
      throw CheckpointError.invalidField(
        file: file, field: "no_rope_layers",
        problem: "does not mark every fourth layer, which a GGUF file cannot express")
    }
    return "smollm3"
  }

  func metadata() throws -> [(key: String, value: GGUFValue)] {
    let shape = configuration.shape
    var result: [(key: String, value: GGUFValue)] = [
      ("general.architecture", .string(architecture)),
      ("general.type", .string("model")),
      ("general.name", .string(configuration.name)),
      ("general.file_type", .uint32(quantization.fileType)),
      ("general.quantization_version", .uint32(2)),
    ]
    let sizes: [(String, Int)] = [
      ("vocab_size", shape.vocabularySize), ("context_length", shape.contextLength),
      ("embedding_length", configuration.hiddenSize), ("block_count", shape.layerCount),
      ("feed_forward_length", configuration.intermediateSize),
      ("attention.head_count", shape.headCount), ("attention.head_count_kv", shape.kvHeadCount),
      ("attention.key_length", shape.headDimension),
      ("attention.value_length", shape.headDimension),
      ("rope.dimension_count", configuration.rope.dimension),
    ]
    for (key, value) in sizes { result.append(own(key, .uint32(UInt32(clamping: value)))) }
    result.append(
      own("attention.layer_norm_rms_epsilon", .float32(configuration.normEpsilon)))
    result.append(own("rope.freq_base", .float32(Float(configuration.rope.base))))
    if let window = configuration.slidingWindow {
      result.append(own("attention.sliding_window", .uint32(UInt32(clamping: window))))
      if !configuration.slidingWindowLayers.isEmpty {
        result.append(
          own("attention.sliding_window_pattern", .bools(configuration.slidingWindowLayers)))
      }
    }
    return result + scaling()
  }

  private func own(_ key: String, _ value: GGUFValue) -> (key: String, value: GGUFValue) {
    ("\(architecture).\(key)", value)
  }

  private func scaling() -> [(key: String, value: GGUFValue)] {
    func type(_ name: String, _ factor: Double?, _ original: Int?) -> [(
      key: String, value: GGUFValue
    )] {
      var result = [own("rope.scaling.type", .string(name))]
      if let factor { result.append(own("rope.scaling.factor", .float32(Float(factor)))) }
      if let original {
        result.append(
          own("rope.scaling.original_context_length", .uint32(UInt32(clamping: original))))
      }
      return result
    }
    switch configuration.rope.scaling {
    case .none, .llama3, .divisors: return []
    case .linear(let factor): return type("linear", factor, nil)
    case .ntk(let factor):
      return [
        ("apus.rope.scaling.type", .string("ntk")),
        ("apus.rope.scaling.factor", .float32(Float(factor))),
      ]
    case .dynamic(let factor, _):
      return [
        ("apus.rope.scaling.type", .string("dynamic")),
        ("apus.rope.scaling.factor", .float32(Float(factor))),
      ]
    case .yarn(let factor, let original, let fast, let slow, let attention, let m, let all, _):
      var result = type("yarn", factor, original)
      result.append(own("rope.scaling.yarn_beta_fast", .float32(Float(fast))))
      result.append(own("rope.scaling.yarn_beta_slow", .float32(Float(slow))))
      let plain = factor > 1 ? 1 + 0.1 * log(factor) : 1
      if let total = attention ?? attentionFactor(factor, m, all) {
        // llama.cpp reads the first as a multiple of YaRN's own factor; the second is the whole.
        result.append(own("rope.scaling.attn_factor", .float32(Float(total / plain))))
        result.append(own("rope.scaling.yarn_attn_factor", .float32(Float(total))))
      }
      return result
    case .longRope(_, _, let original, let attention, let factor):
      var result = type("longrope", nil, original)
      let total =
        attention ?? factor.map { $0 > 1 ? sqrt(1 + log($0) / log(Double(original))) : 1 } ?? 1
      result.append(own("rope.scaling.attn_factor", .float32(Float(total))))
      return result
    }
  }

  /// YaRN's factor on attention from DeepSeek's two fields; nil without both.
  private func attentionFactor(_ factor: Double, _ m: Double?, _ all: Double?) -> Double? {
    guard let m, let all, factor > 1 else { return nil }
    return (0.1 * m * log(factor) + 1) / (0.1 * all * log(factor) + 1)
  }

  /// Divisors of the rope frequencies, for the scalings that llama.cpp keeps in tensors.
  func ropeTensors() -> [(name: String, values: [Float])] {
    switch configuration.rope.scaling {
    case .longRope(let short, let long, _, _, _):
      return [
        ("rope_factors_long.weight", long.map(Float.init)),
        ("rope_factors_short.weight", short.map(Float.init)),
      ]
    case .divisors(let divisors): return [("rope_freqs.weight", divisors.map(Float.init))]
    case .llama3(let factor, let low, let high, let original):
      let dimension = configuration.rope.dimension
      let divisors = (0..<dimension / 2).map { index in
        let frequency = pow(configuration.rope.base, -Double(2 * index) / Double(dimension))
        let turns = Double(original) * frequency / (2 * Double.pi)
        let smooth = min(max((turns - low) / (high - low), 0), 1)
        return Float(1 / ((1 - smooth) / factor + smooth))
      }
      return [("rope_freqs.weight", divisors)]
    default: return []
    }
  }

  /// The row of the Hugging Face matrix that row `row` of llama.cpp's is: pairs of a head stand side by side there.
  ///
  /// Nil when the order is the same.
  func sourceRow(of name: String) -> ((Int) -> Int)? {
    guard configuration.architecture == "llama", configuration.rope.layout == .half,
      name.contains(".attn_q.") || name.contains(".attn_k.")
    else { return nil }
    let dimension = configuration.shape.headDimension
    return { row in
      let (head, inside) = row.quotientAndRemainder(dividingBy: dimension)
      return head * dimension + inside % 2 * (dimension / 2) + inside / 2
    }
  }
}
