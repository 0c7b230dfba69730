import ApusCore
import ApusModels
import Testing

@Suite(.serialized) struct MetadataConfigurationTests {
  private func open(
    _ architecture: String = "llama", _ changes: [String: GGUFValue?] = [:], layers: Int = 2
  ) throws -> ModelConfiguration {
    let folder = try TemporaryFolder()
    var builder = ModelBuilder()
    builder.architecture = architecture
    builder.changes = changes
    builder.layers = layers
    return try Checkpoint.open(try folder.write(builder.gguf, "m.gguf")).configuration
  }

  private func message(_ changes: [String: GGUFValue?]) -> String {
    let error = #expect(throws: CheckpointError.self) { try open("llama", changes) }
    return error?.description ?? ""
  }

  @Test func readsArchitectures() throws {
    #expect(try open("llama").rope.layout == .interleaved)
    #expect(try open("qwen2").rope.layout == .half)
    #expect(try open("qwen3").architecture == "qwen3")
    let smol = try open("smollm3", layers: 5)
    #expect(smol.architecture == "llama")
    #expect(smol.rope.unrotatedLayers == [3])
    #expect(smol.rope.layout == .interleaved)
    let known = "known: bert, llama, mistral, qwen2, qwen3, smollm3"
    #expect(
      message(["general.architecture": .string("gemma")])
        .contains("unknown architecture 'gemma'; \(known)"))
  }

  @Test func fillsDefaultsIn() throws {
    let configuration = try open(
      "llama",
      [
        "llama.attention.key_length": nil, "llama.attention.value_length": nil,
        "llama.rope.freq_base": nil, "general.name": nil,
      ])
    #expect(configuration.shape.headDimension == 8)
    #expect(configuration.rope.base == 10000)
    #expect(configuration.name == "m")
    #expect(configuration.shape.vocabularySize == 24)
  }

  @Test func readsRopeScaling() throws {
    func scaling(_ changes: [String: GGUFValue]) throws -> RopeConfiguration.Scaling {
      try open(
        "llama",
        Dictionary(
          uniqueKeysWithValues: changes.map { ("llama.rope.\($0.key)", Optional($0.value)) })
      ).rope.scaling
    }
    #expect(try scaling(["scaling.type": .string("none"), "scaling.factor": .float32(4)]) == .none)
    #expect(try scaling(["scaling.factor": .float32(4)]) == .linear(factor: 4))
    #expect(try scaling(["scale_linear": .float32(4)]) == .linear(factor: 4))
    #expect(try scaling(["scale_linear": .float32(0)]) == .none)
    #expect(
      try scaling([
        "scaling.type": .string("yarn"), "scaling.factor": .float32(4),
        "scaling.original_context_length": .uint32(16), "scaling.yarn_attn_factor": .float32(2),
      ])
        == .yarn(
          factor: 4, originalContextLength: 16, betaFast: 32, betaSlow: 1, attentionFactor: 2,
          mscale: nil, mscaleAllDimensions: nil, truncate: true))
  }

  @Test func namesTheKeyThatIsWrong() {
    func check(_ key: String, _ value: GGUFValue?, _ text: String) {
      let message = message(["llama." + key: value])
      #expect(message.contains("'llama.\(key)' \(text)"), "\(message)")
    }
    check("block_count", nil, "is missing")
    check("block_count", .uint32(0), "is no integer from 1 to 4096")
    check("block_count", .uint32(.max), "is no integer from 1 to 4096")
    check("embedding_length", .string("32"), "is no integer")
    check("context_length", .uint32(0), "is no integer")
    check("feed_forward_length", .int32s([64, 32]), "differs by layer")
    check("attention.head_count_kv", .uint32(3), "is 3, which does not divide 4")
    check("attention.value_length", .uint32(4), "differs from the key length")
    check("attention.layer_norm_rms_epsilon", .float32(.nan), "is no number above 0")
    check("rope.dimension_count", .uint32(10), "is no integer from 1 to 8")
    check("rope.scaling.type", .string("longrope"), "is 'longrope', but")
    check("rope.scaling.type", .string("odd"), "is 'odd'; known: none, linear, yarn, longrope")
    check("expert_count", .uint32(8), "is 8: mixtures of experts")
  }
}
