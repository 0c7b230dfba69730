import ApusCompute
import ApusCore
import ApusModels
import Testing

@Suite(.serialized) struct CheckpointArtefactTests {
  @Test(
    .enabled(if: Artefacts.tinyModels, "\(Artefacts.skip)"),
    arguments: [
      ("f32", TensorType.f32, 16, 8, 11), ("f16", .f16, 16, 8, 11), ("q8", .q8_0, 12, 32, 8),
    ])
  func opensTinyLlama(
    suffix: String, type: TensorType, context: Int, hidden: Int, vocabulary: Int
  ) throws {
    let checkpoint = try Checkpoint.open(
      Artefacts.path("weights/neural-api-tiny/tiny_llama_\(suffix).gguf"))
    let configuration = checkpoint.configuration
    #expect(checkpoint.format == .gguf(version: 3))
    #expect(configuration.architecture == "llama")
    #expect(configuration.shape.layerCount == 2)
    #expect(configuration.shape.kvHeadCount == 1)
    #expect(configuration.shape.contextLength == context)
    #expect(configuration.shape.vocabularySize == vocabulary)
    #expect(configuration.hiddenSize == hidden)
    #expect(configuration.rope.layout == .interleaved)
    #expect(configuration.tiedEmbeddings == (suffix == "q8"))
    let tensor = try checkpoint.tensor("blk.1.ffn_gate.weight")
    #expect(tensor.type == type)
    #expect(tensor.shape == [configuration.intermediateSize, hidden])
  }

  @Test(.enabled(if: Artefacts.tinyModels, "\(Artefacts.skip)"))
  func decodesKQuants() throws {
    let file = try GGUFFile(path: Artefacts.path("weights/neural-api-tiny/tiny_kquant.gguf"))
    let reference = try readJSON(
      Artefacts.path("weights/neural-api-tiny/tiny_kquant_ref.json"))
    #expect(file.tensors.count == 5)
    var checked = 0
    for tensor in file.tensors where tensor.name.hasPrefix("kq.") {
      let name = tensor.name.split(separator: ".")[1]
      let expected = try #require(reference["dequant"]?["\(name)"]?.arrayValue, "\(name)")
      #expect(try tensor.floats() == expected.map { Float($0.doubleValue ?? .nan) })
      checked += 1
    }
    #expect(checked == 4)
  }

  @Test(.enabled(if: Artefacts.stories, "\(Artefacts.skip)"))
  func opensStories() throws {
    let checkpoint = try Checkpoint.open(Artefacts.path("weights/stories260K-gguf/tinyllm.gguf"))
    let shape = checkpoint.configuration.shape
    #expect(
      shape
        == ModelShape(
          layerCount: 5, headCount: 8, kvHeadCount: 4, headDimension: 8, vocabularySize: 512,
          contextLength: 128))
    #expect(checkpoint.tensors.count == 48)
    #expect(checkpoint.metadata["tokenizer.ggml.tokens"]?.stringsValue?.count == 512)
    #expect(
      checkpoint.weightByteCount == checkpoint.tensors.values.reduce(0) { $0 + $1.byteCount })
    guard case .metadata = checkpoint.tokenizerSource else {
      Issue.record("the tokenizer of a GGUF stands in its metadata")
      return
    }
  }

  @Test(.enabled(if: Artefacts.tinyStories, "\(Artefacts.skip)"))
  func opensHuggingFaceFolder() throws {
    let checkpoint = try Checkpoint.open(Artefacts.path("weights/tinystories-656k-hf"))
    #expect(checkpoint.format == .safetensors)
    #expect(checkpoint.configuration.name == "tinystories-656k-hf")
    #expect(checkpoint.configuration.rope.layout == .half)
    #expect(checkpoint.configuration.tiedEmbeddings)
    #expect(checkpoint.tensors["output.weight"] == nil)
    #expect(try checkpoint.tensor("blk.1.attn_k.weight").shape == [64, 128])
    guard
      case .files(let tokenizer, let configuration, nil, nil, nil, nil) =
        checkpoint.tokenizerSource
    else {
      Issue.record("unexpected \(checkpoint.tokenizerSource)")
      return
    }
    #expect(tokenizer?.hasSuffix("/tokenizer.json") == true)
    #expect(configuration?.hasSuffix("/tokenizer_config.json") == true)
    #expect(try Checkpoint.tokenizerSource(checkpoint.path) == checkpoint.tokenizerSource)
  }

  @Test(.enabled(if: Artefacts.pagedInfer, "\(Artefacts.skip)"))
  func opensOneSafetensorsFile() throws {
    let checkpoint = try Checkpoint.open(
      Artefacts.path("weights/paged-infer-tiny-llama/tiny_llama.safetensors"))
    #expect(checkpoint.configuration.shape.headDimension == 24)
    #expect(try checkpoint.tensor("token_embd.weight").type == .bf16)
  }

  @Test(
    .enabled(if: Artefacts.tinyModels, "\(Artefacts.skip)"),
    arguments: ["llama", "qwen2", "qwen3", "smollm2"])
  func opensTinyFamilies(family: String) throws {
    let folder = try TemporaryFolder()
    let prefix = "weights/neural-api-tiny/tiny_\(family)"
    try folder.link(prefix + ".safetensors", as: "model.safetensors")
    try folder.link(prefix + "_config.json", as: "config.json")
    let checkpoint = try Checkpoint.open(folder.path)
    #expect(checkpoint.configuration.architecture == (family == "smollm2" ? "llama" : family))
    #expect(checkpoint.configuration.shape.layerCount == 2)
    #expect(checkpoint.tensors["blk.0.attn_q_norm.weight"] != nil || family != "qwen3")
    #expect(checkpoint.tensors["blk.0.attn_q.bias"] != nil || family != "qwen2")
  }

  @Test(.enabled(if: Artefacts.tinyModels, "\(Artefacts.skip)"))
  func shardsEqualTheWhole() throws {
    let prefix = "weights/neural-api-tiny/tiny_llama"
    let whole = try TemporaryFolder()
    try whole.link(prefix + ".safetensors", as: "model.safetensors")
    try whole.link(prefix + "_config.json", as: "config.json")
    let sharded = try TemporaryFolder()
    try sharded.link(prefix + "_config.json", as: "config.json")
    try sharded.link(prefix + ".safetensors.index.json", as: "model.safetensors.index.json")
    for part in ["-00001-of-00002", "-00002-of-00002"] {
      try sharded.link(prefix + part + ".safetensors", as: "tiny_llama" + part + ".safetensors")
    }
    let a = try Checkpoint.open(whole.path)
    let b = try Checkpoint.open(sharded.path)
    #expect(Set(a.tensors.keys) == Set(b.tensors.keys))
    for (name, tensor) in a.tensors {
      #expect(try tensor.floats() == b.tensor(name).floats(), "\(name)")
    }
  }

  @Test(
    .enabled(if: Artefacts.tinyModels, "\(Artefacts.skip)"),
    arguments: ["gemma", "phi3", "mamba", "qwen3_moe", "mixtral", "starcoder2"])
  func refusesOtherArchitectures(family: String) throws {
    let folder = try TemporaryFolder()
    let prefix = "weights/neural-api-tiny/tiny_\(family)"
    try folder.link(prefix + ".safetensors", as: "model.safetensors")
    try folder.link(prefix + "_config.json", as: "config.json")
    let error = #expect(throws: CheckpointError.self) { try Checkpoint.open(folder.path) }
    let known = "known: bert, llama, mistral, qwen2, qwen3, smollm3"
    #expect(error?.description.contains(known) == true)
  }

  @Test(.enabled(if: Artefacts.vocabularies, "\(Artefacts.skip)"))
  func readsVocabulariesWithoutWeights() throws {
    let path = Artefacts.path("tokenizers/llama.cpp-vocab/ggml-vocab-llama-spm.gguf")
    guard case .metadata(let metadata) = try Checkpoint.tokenizerSource(path) else { return }
    #expect(metadata["tokenizer.ggml.tokens"]?.stringsValue?.count == 32000)
    #expect(throws: CheckpointError.self) { try Checkpoint.open(path) }
  }
}
