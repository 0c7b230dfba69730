import ApusCore

extension RopeConfiguration {
  /// Reads `rope_theta`, `rope_scaling` or, as transformers 5 writes them, `rope_parameters`.
  ///
  /// Fields and their defaults: transformers' `modeling_rope_utils.py`.
  init(_ reader: ConfigurationReader, shape: ModelShape, defaultBase: Double) throws {
    let field = reader.value("rope_parameters") != nil ? "rope_parameters" : "rope_scaling"
    let parameters = reader.value(field) ?? .object(JSONObject())
    guard parameters.objectValue != nil else { throw reader.invalid(field, "is no object") }
    for kind in ["full_attention", "sliding_attention"] where parameters[kind] != nil {
      throw reader.invalid(field, "differs by layer type, which is not supported")
    }
    let scaling = ScalingReader(
      fields: ConfigurationReader(json: parameters, file: reader.file), root: reader, field: field,
      contextLength: shape.contextLength)
    let rotated =
      try scaling.fields.value("partial_rotary_factor") == nil
      ? reader.positive("partial_rotary_factor", default: 1)
      : scaling.fields.positive("partial_rotary_factor")
    guard rotated <= 1 else {
      throw reader.invalid("partial_rotary_factor", "is \(rotated), expected at most 1")
    }
    let dimension = Int(Double(shape.headDimension) * rotated)
    guard dimension > 0, dimension % 2 == 0 else {
      throw reader.invalid("partial_rotary_factor", "gives \(dimension) rotated components")
    }
    self.init(
      base: try scaling.fields.positive(
        "rope_theta", default: reader.positive("rope_theta", default: defaultBase)),
      dimension: dimension, layout: .half, scaling: try scaling.read(frequencies: dimension / 2))
  }
}

/// Reads the object of `rope_scaling`.
private struct ScalingReader {
  let fields: ConfigurationReader
  let root: ConfigurationReader
  let field: String
  let contextLength: Int

  private static let known = [
    "default", "linear", "dynamic", "ntk", "yarn", "llama3", "longrope", "su",
  ]

  func read(frequencies: Int) throws -> RopeConfiguration.Scaling {
    let type = try fields.string("rope_type") ?? fields.string("type") ?? "default"
    switch type {
    case "default": return .none
    case "linear": return .linear(factor: try fields.positive("factor"))
    case "ntk": return .ntk(factor: try fields.positive("factor"))
    case "dynamic":
      return .dynamic(
        factor: try fields.positive("factor"), originalContextLength: contextLength)
    case "yarn": return try yarn()
    case "llama3": return try llama3()
    case "longrope", "su": return try longRope(frequencies: frequencies)
    default:
      throw root.invalid(
        field, "has the unknown type '\(type)'; known: \(Self.known.joined(separator: ", "))")
    }
  }

  /// The context length before extension; Phi-3 writes it beside the object instead of into it.
  private func originalContextLength() throws -> Int {
    let name = "original_max_position_embeddings"
    let source = root.value(name) != nil ? root : fields
    return try source.size(name, default: contextLength, limit: SizeLimit.context)
  }

  private func optional(_ name: String) throws -> Double? {
    fields.value(name) == nil ? nil : try fields.positive(name)
  }

  private func yarn() throws -> RopeConfiguration.Scaling {
    let original = try originalContextLength()
    return .yarn(
      factor: try optional("factor") ?? Double(contextLength) / Double(original),
      originalContextLength: original,
      betaFast: try fields.positive("beta_fast", default: 32),
      betaSlow: try fields.positive("beta_slow", default: 1),
      attentionFactor: try optional("attention_factor"), mscale: try multiplier("mscale"),
      mscaleAllDimensions: try multiplier("mscale_all_dim"),
      truncate: try fields.flag("truncate", default: true))
  }

  /// Like `optional`, but 0 counts as absent, as in transformers.
  private func multiplier(_ name: String) throws -> Double? {
    fields.value(name)?.doubleValue == 0 ? nil : try optional(name)
  }

  private func llama3() throws -> RopeConfiguration.Scaling {
    let low = try fields.positive("low_freq_factor")
    let high = try fields.positive("high_freq_factor")
    guard high > low else {
      throw root.invalid(field, "has high_freq_factor \(high), not above low_freq_factor \(low)")
    }
    return .llama3(
      factor: try fields.positive("factor"), lowFrequencyFactor: low, highFrequencyFactor: high,
      originalContextLength: try originalContextLength())
  }

  private func longRope(frequencies: Int) throws -> RopeConfiguration.Scaling {
    let original = try originalContextLength()
    return .longRope(
      short: try divisors("short_factor", count: frequencies),
      long: try divisors("long_factor", count: frequencies), originalContextLength: original,
      attentionFactor: try optional("attention_factor"),
      factor: try optional("factor") ?? Double(contextLength) / Double(original))
  }

  private func divisors(_ name: String, count: Int) throws -> [Double] {
    guard let values = fields.value(name)?.arrayValue?.compactMap(\.doubleValue),
      values.count == count, values.allSatisfy({ $0 > 0 && $0.isFinite })
    else { throw root.invalid("\(field).\(name)", "is no list of \(count) numbers above 0") }
    return values
  }
}
