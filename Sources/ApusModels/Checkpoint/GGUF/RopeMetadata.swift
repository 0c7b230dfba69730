import ApusCore
import Foundation

extension RopeConfiguration {
  /// Reads the `rope.*` keys and the tensors `rope_freqs.weight`, `rope_factors_long.weight` and
  /// `rope_factors_short.weight`, with llama.cpp's meaning and defaults.
  init(
    _ reader: MetadataReader, shape: ModelShape, layout: Layout, tensors: [String: TensorInfo]
  ) throws {
    let dimension = try reader.size(
      "rope.dimension_count", default: shape.headDimension, limit: shape.headDimension)
    guard dimension % 2 == 0 else {
      throw reader.invalid("rope.dimension_count", "is \(dimension), expected an even number")
    }
    self.init(
      base: try reader.positive("rope.freq_base", default: 10000), dimension: dimension,
      layout: layout, scaling: .none)
    let divisors = try Self.divisors("rope_freqs.weight", dimension / 2, tensors)
    let long = try Self.divisors("rope_factors_long.weight", dimension / 2, tensors)
    let short = try Self.divisors("rope_factors_short.weight", dimension / 2, tensors)
    scaling = try Self.scaling(reader, shape: shape, long: long, short: short)
    if let divisors {
      guard scaling == .none else {
        throw reader.invalid(
          "rope.scaling.type", "stands beside rope_freqs.weight, which is not supported")
      }
      scaling = .divisors(divisors)
    }
  }

  private static func divisors(
    _ name: String, _ count: Int, _ tensors: [String: TensorInfo]
  ) throws -> [Double]? {
    guard let tensor = tensors[name] else { return nil }
    guard tensor.shape == [count] else {
      throw CheckpointError.wrongShape(
        file: tensor.file.path, tensor: name, expected: [count], found: tensor.shape)
    }
    let values = try tensor.floats().map(Double.init)
    guard values.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw CheckpointError.malformed(
        file: tensor.file.path, reason: "tensor '\(name)' has values that are not above 0")
    }
    return values
  }

  private static func scaling(
    _ reader: MetadataReader, shape: ModelShape, long: [Double]?, short: [Double]?
  ) throws -> Scaling {
    // llama.cpp: a factor of 0 means none.
    let stored = reader.value("rope.scaling.factor") ?? reader.value("rope.scale_linear")
    let key =
      reader.value("rope.scaling.factor") != nil ? "rope.scaling.factor" : "rope.scale_linear"
    let factor = stored?.doubleValue == 0 ? 1 : try reader.positive(key, default: 1)
    let original = try reader.size(
      "rope.scaling.original_context_length", default: shape.contextLength,
      limit: SizeLimit.context)
    if let type = reader.metadata["apus.rope.scaling.type"]?.stringValue {
      return try ownScaling(type, reader, originalContextLength: original)
    }
    let type =
      reader.value("rope.scaling.type")?.stringValue ?? (long == nil ? "linear" : "longrope")
    switch type {
    case "none": return .none
    case "linear": return factor == 1 ? .none : .linear(factor: factor)
    case "yarn":
      return .yarn(
        factor: factor, originalContextLength: original,
        betaFast: try reader.positive("rope.scaling.yarn_beta_fast", default: 32),
        betaSlow: try reader.positive("rope.scaling.yarn_beta_slow", default: 1),
        attentionFactor: try attentionFactor(reader, factor: factor), mscale: nil,
        mscaleAllDimensions: nil, truncate: true)
    case "longrope":
      guard let long, let short else {
        throw reader.invalid(
          "rope.scaling.type", "is 'longrope', but rope_factors_long/short.weight are missing")
      }
      let attention = reader.value("rope.scaling.attn_factor") != nil
      return .longRope(
        short: short, long: long, originalContextLength: original,
        attentionFactor: attention ? try reader.positive("rope.scaling.attn_factor") : nil,
        factor: Double(shape.contextLength) / Double(original))
    default:
      throw reader.invalid(
        "rope.scaling.type", "is '\(type)'; known: none, linear, yarn, longrope")
    }
  }

  /// The kinds that llama.cpp does not know, in keys of our own.
  private static func ownScaling(
    _ type: String, _ metadata: MetadataReader, originalContextLength: Int
  ) throws -> Scaling {
    let reader = MetadataReader(
      metadata: metadata.metadata, architecture: "apus", file: metadata.file)
    let factor = try reader.positive("rope.scaling.factor")
    switch type {
    case "ntk": return .ntk(factor: factor)
    case "dynamic":
      return .dynamic(factor: factor, originalContextLength: originalContextLength)
    default: throw reader.invalid("rope.scaling.type", "is '\(type)'; known: ntk, dynamic")
    }
  }

  /// The whole factor on attention: `yarn_attn_factor` holds it; `attn_factor` multiplies YaRN's own.
  private static func attentionFactor(_ reader: MetadataReader, factor: Double) throws -> Double? {
    if reader.value("rope.scaling.yarn_attn_factor") != nil {
      return try reader.positive("rope.scaling.yarn_attn_factor")
    }
    guard reader.value("rope.scaling.attn_factor") != nil else { return nil }
    let own = factor > 1 ? 1 + 0.1 * log(factor) : 1
    return try own * reader.positive("rope.scaling.attn_factor")
  }
}
