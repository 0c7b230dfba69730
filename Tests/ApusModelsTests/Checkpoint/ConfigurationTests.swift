import ApusCore
import ApusModels
import Testing

@Suite(.serialized) struct ConfigurationTests {
  private func read(
    _ family: String = "llama", _ fields: JSONObject = JSONObject(), layers: Int = 4
  ) throws -> ModelConfiguration {
    var builder = ModelBuilder()
    builder.architecture = family
    builder.layers = layers
    builder.context = 4096
    return try ModelConfiguration(
      json: builder.config(fields), name: "folder", file: "config.json")
  }

  private func message(_ fields: JSONObject, family: String = "llama") -> String {
    let error = #expect(throws: CheckpointError.self) { try read(family, fields) }
    return error?.description ?? ""
  }

  @Test func readsTheFamilies() throws {
    for (family, architecture) in [
      ("llama", "llama"), ("mistral", "llama"), ("smollm3", "llama"), ("qwen2", "qwen2"),
      ("qwen3", "qwen3"),
    ] {
      let configuration = try read(family)
      #expect(configuration.architecture == architecture)
      #expect(configuration.name == "folder")
      #expect(configuration.rope.layout == .half)
      #expect(configuration.shape.headDimension == 8)
    }
    #expect(try read("mistral").slidingWindow == 4096)
    #expect(try read("mistral", JSONObject([("sliding_window", .null)])).slidingWindow == nil)
    #expect(
      message(JSONObject(), family: "gemma")
        == "config.json: unknown architecture 'gemma'; known: bert, llama, mistral, qwen2, qwen3, smollm3"
    )
  }

  @Test func fillsDefaultsIn() throws {
    let config: JSONValue = [
      "model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1,
      "num_attention_heads": 4, "vocab_size": 100,
    ]
    let configuration = try ModelConfiguration(json: config, name: "n", file: "f")
    #expect(configuration.shape.kvHeadCount == 4)
    #expect(configuration.shape.headDimension == 16)
    #expect(configuration.shape.contextLength == 2048)
    #expect(configuration.rope.base == 10000)
    #expect(configuration.rope.dimension == 16)
    #expect(configuration.normEpsilon == 1e-6)
    #expect(!configuration.tiedEmbeddings)
  }

  @Test func readsUnrotatedLayers() throws {
    #expect(try read("smollm3", layers: 9).rope.unrotatedLayers == [3, 7])
    #expect(
      try read("smollm3", JSONObject([("no_rope_layer_interval", 2)])).rope.unrotatedLayers
        == [1, 3])
    #expect(
      try read("smollm3", JSONObject([("no_rope_layers", [1, 0, 1, 1])])).rope.unrotatedLayers
        == [1])
    #expect(
      message(JSONObject([("no_rope_layers", [1])]), family: "smollm3").contains("no_rope_layers"))
  }

  @Test func readsSlidingWindows() throws {
    #expect(try read("qwen2", JSONObject([("sliding_window", 64)])).slidingWindow == nil)
    let use = JSONObject([
      ("use_sliding_window", true), ("sliding_window", 64), ("max_window_layers", 2),
    ])
    let configuration = try read("qwen2", use)
    #expect(configuration.slidingWindow == 64)
    #expect(configuration.slidingWindowLayers == [false, false, true, true])
    #expect(configuration.window(ofLayer: 0) == nil)
    #expect(configuration.window(ofLayer: 2) == 64)
    let types = JSONObject([
      ("use_sliding_window", true), ("sliding_window", 64),
      (
        "layer_types",
        ["sliding_attention", "full_attention", "sliding_attention", "full_attention"]
      ),
    ])
    #expect(try read("qwen3", types).slidingWindowLayers == [true, false, true, false])
    let late = JSONObject([
      ("use_sliding_window", true), ("sliding_window", 64), ("max_window_layers", 70),
    ])
    #expect(try read("qwen2", late).slidingWindow == nil)
  }

  @Test func readsEveryRopeScaling() throws {
    func scaling(_ fields: JSONValue, _ key: String = "rope_scaling") throws
      -> RopeConfiguration.Scaling
    {
      try read("llama", JSONObject([(key, fields)])).rope.scaling
    }
    #expect(try scaling(.null) == .none)
    #expect(try scaling(["rope_type": "default"]) == .none)
    #expect(try scaling(["type": "linear", "factor": 2]) == .linear(factor: 2))
    #expect(try scaling(["type": "ntk", "factor": 2]) == .ntk(factor: 2))
    #expect(
      try scaling(["rope_type": "dynamic", "factor": 2.0])
        == .dynamic(factor: 2, originalContextLength: 4096))
    #expect(
      try scaling(["type": "yarn", "factor": 4.0, "original_max_position_embeddings": 2048])
        == .yarn(
          factor: 4, originalContextLength: 2048, betaFast: 32, betaSlow: 1, attentionFactor: nil,
          mscale: nil, mscaleAllDimensions: nil, truncate: true))
    #expect(
      try scaling([
        "rope_type": "yarn", "original_max_position_embeddings": 1024, "beta_fast": 16,
        "beta_slow": 2, "attention_factor": 1.5, "mscale": 0.7, "mscale_all_dim": 0.8,
        "truncate": false,
      ])
        == .yarn(
          factor: 4, originalContextLength: 1024, betaFast: 16, betaSlow: 2, attentionFactor: 1.5,
          mscale: 0.7, mscaleAllDimensions: 0.8, truncate: false))
    #expect(
      try scaling([
        "rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
        "original_max_position_embeddings": 1024,
      ])
        == .llama3(
          factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContextLength: 1024))
    for type in ["longrope", "su"] {
      #expect(
        try scaling([
          "type": .string(type), "short_factor": [1, 1, 1, 2], "long_factor": [2, 3, 4, 5],
          "original_max_position_embeddings": 2048,
        ])
          == .longRope(
            short: [1, 1, 1, 2], long: [2, 3, 4, 5], originalContextLength: 2048,
            attentionFactor: nil, factor: 2))
    }
    let own = try read(
      "llama",
      JSONObject([
        ("rope_theta", .null),
        ("rope_parameters", ["rope_type": "linear", "factor": 3, "rope_theta": 5e5]),
      ]))
    #expect(own.rope.base == 5e5)
    #expect(own.rope.scaling == .linear(factor: 3))
  }

  @Test func yarnExtendsTheContext() throws {
    let fields = JSONObject([
      ("rope_scaling", ["type": "yarn", "factor": 4, "original_max_position_embeddings": 4096])
    ])
    #expect(try read("qwen2", fields).shape.contextLength == 16384)
  }

  @Test func namesTheFieldThatIsWrong() {
    func check(_ field: String, _ value: JSONValue, _ text: String) {
      let message = message(JSONObject([(field, value)]))
      #expect(message.contains("'\(field)") && message.contains(text), "\(message)")
    }
    check("hidden_size", 0, "expected an integer from 1")
    check("hidden_size", .integer(.max), "expected an integer from 1")
    check("hidden_size", "32", "expected an integer")
    check("num_hidden_layers", -1, "expected an integer")
    check("max_position_embeddings", 0, "expected an integer from 1")
    check("num_key_value_heads", 3, "which does not divide 4")
    check("head_dim", 7, "even number")
    check("rms_norm_eps", -1, "above 0")
    check("rope_theta", 0, "above 0")
    check("tie_word_embeddings", "yes", "expected true or false")
    check("hidden_act", "gelu", "only 'silu'")
    check("quantization_config", ["quant_method": "gptq"], "not supported")
    check("rope_scaling", ["type": "fancy", "factor": 2], "unknown type 'fancy'; known: default")
    check("rope_scaling", 7, "is no object")
    check("partial_rotary_factor", 1.5, "at most 1")
    #expect(
      message(JSONObject([("rope_scaling", ["type": "linear"])]))
        == "config.json: 'factor' is missing")
    #expect(
      message(JSONObject([("rope_scaling", ["type": "su", "short_factor": [1]])]))
        .contains("rope_scaling.short_factor' is no list of 4 numbers"))
  }

  @Test func namesTensorAndShapesThatDoNotFit() throws {
    let folder = try TemporaryFolder()
    let builder = ModelBuilder()
    try builder.writeFolder(folder, config: JSONObject([("intermediate_size", 65)]))
    let error = #expect(throws: CheckpointError.self) { try Checkpoint.open(folder.path) }
    #expect(
      error?.description.hasSuffix(
        "tensor 'blk.0.ffn_gate.weight' has shape [64, 32], expected [65, 32]") == true)
    try builder.writeFolder(folder, config: JSONObject([("num_hidden_layers", 1)]))
    let extra = #expect(throws: CheckpointError.self) { try Checkpoint.open(folder.path) }
    #expect(extra?.description.contains("is not part of architecture llama") == true)
    try builder.writeFolder(folder, config: JSONObject([("num_hidden_layers", 3)]))
    let missing = #expect(throws: CheckpointError.self) { try Checkpoint.open(folder.path) }
    #expect(missing?.description.contains("'blk.2.attn_norm.weight' is missing") == true)
  }
}
