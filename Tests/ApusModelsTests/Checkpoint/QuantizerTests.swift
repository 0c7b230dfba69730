import ApusCompute
import ApusCore
import ApusModels
import Testing

@Suite(.serialized) struct QuantizerTests {
  private func quantize(
    _ checkpoint: Checkpoint, _ type: QuantizationType, into folder: TemporaryFolder,
    isPure: Bool = false, threads: Int = 2
  ) throws -> Checkpoint {
    var quantizer = Quantizer(checkpoint, type: type)
    quantizer.isPure = isPure
    quantizer.threadCount = threads
    let path = folder.path + "/out-\(type.rawValue).gguf"
    let summary = try quantizer.write(to: path)
    let result = try Checkpoint.open(path)
    #expect(summary.weightByteCount == result.weightByteCount)
    #expect(summary.tensorCount == result.tensors.count)
    return result
  }

  private func openFolder(
    _ builder: ModelBuilder, _ folder: TemporaryFolder, _ config: JSONObject = JSONObject()
  ) throws -> Checkpoint {
    try builder.writeFolder(folder, config: config)
    return try Checkpoint.open(folder.path)
  }

  /// A model whose rows are whole super-blocks.
  private var wide: ModelBuilder {
    var builder = ModelBuilder()
    (builder.hidden, builder.wide, builder.headDimension) = (256, 512, 64)
    builder.vocabulary = 40
    return builder
  }

  @Test(arguments: QuantizationType.allCases)
  func writesEveryType(type: QuantizationType) throws {
    let folder = try TemporaryFolder()
    let source = try openFolder(wide, folder)
    let result = try quantize(source, type, into: folder)
    var expected = source.configuration
    expected.rope.layout = .interleaved
    #expect(result.configuration == expected)
    #expect(result.metadata["general.file_type"] == .unsigned(UInt64(type.fileType)))
    #expect(try result.tensor("blk.0.attn_norm.weight").type == .f32)
    #expect(try result.tensor("blk.1.ffn_gate.weight").type == type.tensorType)
    let limit: Float = type == .q2_k ? 0.35 : 0.15
    for name in ["blk.1.ffn_gate.weight", "output.weight", "token_embd.weight"] {
      let (a, b) = (try source.tensor(name).floats(), try result.tensor(name).floats())
      #expect(zip(a, b).allSatisfy { abs($0 - $1) <= limit }, "\(name)")
    }
  }

  @Test func putsThePairsOfAHeadSideBySide() throws {
    let folder = try TemporaryFolder()
    let builder = ModelBuilder()
    let source = try openFolder(builder, folder)
    let result = try quantize(source, .f32, into: folder)
    let columns = builder.hidden
    for name in ["blk.0.attn_q.weight", "blk.1.attn_k.weight"] {
      let (a, b) = (try source.tensor(name).floats(), try result.tensor(name).floats())
      let half = builder.headDimension / 2
      for row in 0..<a.count / columns {
        let (head, inside) = row.quotientAndRemainder(dividingBy: builder.headDimension)
        let target = head * builder.headDimension + inside % half * 2 + inside / half
        #expect(
          a[row * columns..<(row + 1) * columns].elementsEqual(
            b[target * columns..<(target + 1) * columns]))
      }
    }
    for name in ["blk.0.attn_v.weight", "blk.0.attn_output.weight"] {
      #expect(try source.tensor(name).floats() == result.tensor(name).floats())
    }
  }

  @Test(arguments: ["qwen2", "qwen3"])
  func keepsTheOrderOfQwen(architecture: String) throws {
    let folder = try TemporaryFolder()
    var builder = ModelBuilder()
    builder.architecture = architecture
    builder.tied = true
    let source = try openFolder(builder, folder)
    let result = try quantize(source, .f32, into: folder)
    #expect(result.configuration == source.configuration)
    for (name, tensor) in source.tensors {
      #expect(try tensor.floats() == result.tensor(name).floats(), "\(name)")
    }
  }

  @Test func copiesTheMetadataOfGGUF() throws {
    let folder = try TemporaryFolder()
    var builder = wide
    builder.changes = ["own.key": .raw(.uint8, [7]), "general.file_type": .uint32(0)]
    let source = try Checkpoint.open(try folder.write(builder.gguf, "in.gguf"))
    let result = try quantize(source, .q4_k, into: folder)
    var expected = source.metadata
    expected["general.file_type"] = .unsigned(14)
    expected["general.quantization_version"] = .unsigned(2)
    #expect(result.metadata == expected)
    #expect(
      result.metadataFile?.entries.first { $0.key == "own.key" }?.type == .uint8)
    let again = Quantizer(result, type: .q8_0)
    let summary = try again.write(to: folder.path + "/again.gguf")
    #expect(summary.requantizedCount == 16)
  }

  @Test func doesNotDependOnThreads() throws {
    let folder = try TemporaryFolder()
    let source = try openFolder(wide, folder)
    let one = try quantize(source, .q5_k, into: folder, threads: 1).tensors
    let bytes = one.mapValues { $0.withBytes { $0.copy() } }
    let three = try quantize(source, .q5_k, into: folder, threads: 3).tensors
    #expect(three.mapValues { $0.withBytes { $0.copy() } } == bytes)
  }

  @Test func leavesNothingBehindWhenItFails() throws {
    struct Stop: Error {}
    let folder = try TemporaryFolder()
    let source = try openFolder(ModelBuilder(), folder)
    let before = folder.names
    let path = folder.path + "/out.gguf"
    var last = 0
    #expect(throws: Stop.self) {
      try Quantizer(source, type: .q8_0).write(to: path) { done, total in
        #expect(done > last && done <= total)
        last = done
        if done > total / 2 { throw Stop() }
      }
    }
    #expect(folder.names == before)
    #expect(throws: FileError.self) {
      try Quantizer(source, type: .q8_0).write(to: folder.path + "/none/out.gguf")
    }
    let bad = try TemporaryFolder()
    var tensors = ModelBuilder().shapes.map {
      (
        name: ModelBuilder.huggingFaceName($0.name), type: "F32", shape: $0.shape,
        bytes: ApusCompute.quantize(.f32, ModelBuilder().numbers($0.name, $0.shape))
      )
    }
    tensors[0].bytes.replaceSubrange(32 * 4 * 5 + 2..<32 * 4 * 5 + 4, with: [0xC0, 0x7F])
    _ = try bad.write(ModelBuilder.safetensors(tensors), "model.safetensors")
    _ = try bad.write(ModelBuilder().config().utf8, "config.json")
    let error = #expect(throws: CheckpointError.self) {
      try Quantizer(try Checkpoint.open(bad.path), type: .q4_0).write(to: bad.path + "/o.gguf")
    }
    #expect(error?.description.contains("'token_embd.weight' has a number in row 5") == true)
    #expect(bad.names == ["config.json", "model.safetensors"])
  }

  @Test func replacesItsOwnSource() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(ModelBuilder().gguf, "m.gguf")
    _ = try Quantizer(try Checkpoint.open(path), type: .q8_0).write(to: path)
    #expect(try Checkpoint.open(path).tensor("output.weight").type == .q8_0)
    #expect(folder.names == ["m.gguf"])
  }

  @Test(arguments: [
    (QuantizationType.q4_k, "blk.7.ffn_up.weight", 256, TensorType.q4_K),
    (.q4_k, "output.weight", 256, .q6_K), (.q4_k, "output.weight", 96, .q8_0),
    (.q4_k, "blk.3.attn_v.weight", 256, .q5_K), (.q4_k, "blk.4.attn_v.weight", 256, .q4_K),
    (.q4_k, "blk.0.ffn_down.weight", 256, .q5_K), (.q4_k, "blk.1.ffn_down.weight", 256, .q4_K),
    (.q2_k, "blk.9.attn_v.weight", 256, .q4_K), (.q2_k, "blk.9.ffn_down.weight", 256, .q3_K),
    (.q2_k, "blk.9.attn_output.weight", 256, .q3_K), (.q2_k, "token_embd.weight", 256, .q2_K),
    (.q2_k, "blk.9.ffn_up.weight", 96, .q4_0), (.q3_k, "blk.9.ffn_up.weight", 96, .q4_0),
    (.q4_k, "blk.9.ffn_up.weight", 96, .q5_0), (.q5_k, "blk.9.ffn_up.weight", 96, .q5_1),
    (.q6_k, "blk.9.ffn_up.weight", 96, .q8_0), (.q8_0, "blk.9.ffn_up.weight", 40, .f16),
    (.q6_k, "blk.9.ffn_up.weight", 40, .f16), (.q4_0, "output.weight", 64, .q8_0),
    (.q8_0, "output.weight", 64, .q8_0), (.bf16, "output.weight", 40, .bf16),
  ])
  func plansAsLlamaCppDoes(
    type: QuantizationType, name: String, columns: Int, expected: TensorType
  ) {
    let configuration = ModelConfiguration(
      architecture: "llama", name: "",
      shape: ModelShape(
        layerCount: 12, headCount: 8, kvHeadCount: 2, headDimension: 8, vocabularySize: 9,
        contextLength: 9),
      hiddenSize: columns, intermediateSize: columns, normEpsilon: 1,
      rope: RopeConfiguration(base: 1, dimension: 8, layout: .half, scaling: .none),
      tiedEmbeddings: false)
    let plan = QuantizationPlan(type: type, isPure: false, configuration: configuration)
    #expect(plan.target(name: name, shape: [9, columns]) == expected)
    #expect(plan.target(name: "blk.0.attn_norm.weight", shape: [columns]) == .f32)
    let pure = QuantizationPlan(type: type, isPure: true, configuration: configuration)
    #expect(pure.target(name: "output.weight", shape: [9, 256]) == type.tensorType)
  }

  @Test(arguments: [
    JSONValue.null, ["type": "linear", "factor": 2.0], ["type": "ntk", "factor": 2.0],
    ["type": "dynamic", "factor": 4.0],
    ["type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32, "beta_fast": 16],
    [
      "type": "longrope", "factor": 2.0, "original_max_position_embeddings": 32,
      "short_factor": [1, 1, 1, 2], "long_factor": [2, 3, 4, 5], "attention_factor": 1.25,
    ],
  ])
  func keepsRopeScaling(scaling: JSONValue) throws {
    let folder = try TemporaryFolder()
    let source = try openFolder(
      ModelBuilder(), folder, JSONObject([("rope_scaling", scaling)]))
    let result = try quantize(source, .f16, into: folder)
    #expect(result.configuration.rope.scaling == source.configuration.rope.scaling)
  }

  @Test func keepsWindowsAndUnrotatedLayers() throws {
    let folder = try TemporaryFolder()
    var builder = ModelBuilder()
    builder.architecture = "smollm3"
    builder.layers = 5
    let fields = JSONObject([("use_sliding_window", true), ("sliding_window", 16)])
    let source = try openFolder(builder, folder, fields)
    let result = try quantize(source, .f16, into: folder)
    #expect(result.configuration.rope.unrotatedLayers == [3])
    #expect(result.metadata["general.architecture"] == .string("smollm3"))
    #expect(result.configuration.slidingWindow == 16)
    #expect(result.configuration.slidingWindowLayers == [false, false, false, true, false])
    let odd = try openFolder(builder, folder, JSONObject([("no_rope_layer_interval", 2)]))
    #expect(throws: CheckpointError.self) { try quantize(odd, .f16, into: folder) }
  }

  @Test func parsesNames() {
    #expect(QuantizationType(parsing: "Q4_K_S") == .q4_k)
    #expect(QuantizationType(parsing: "q8_0") == .q8_0)
    #expect(QuantizationType(parsing: "q9") == nil)
  }
}
