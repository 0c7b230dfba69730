import ApusCompute
import ApusCore
import ApusModels
import Foundation
import Testing

/// Logits that others computed for checkpoints that others made.
@Suite(.serialized) struct ReferenceLogitsTests {
  static let tiny = "weights/neural-api-tiny/"

  /// The rows of a golden file with `sequences` and `logits`, computed by transformers in float64.
  private func difference(_ model: ModelHarness, _ name: String) throws -> Float {
    let golden = try JSONValue(
      parsing: Array(
        Data(contentsOf: URL(filePath: Artefacts.path(Self.tiny + "\(name)_logits.json")))))
    var largest: Float = 0
    let sequences = try #require(golden["sequences"]?.arrayValue)
    let expected = try #require(golden["logits"]?.arrayValue)
    #expect(!sequences.isEmpty && sequences.count == expected.count)
    for (sequence, rows) in zip(sequences, expected) {
      let tokens = sequence.arrayValue!.map { TokenID($0.intValue!) }
      let values = rows.arrayValue!.map { $0.arrayValue!.map { Float($0.doubleValue!) } }
      largest = max(largest, largestDifference(model.logits(tokens), values))
    }
    return largest
  }

  @Test(
    .enabled(if: Artefacts.tinyModels, "\(Artefacts.skip)"),
    arguments: ["tiny_llama", "tiny_smollm2", "tiny_qwen2", "tiny_qwen3"],
    InstructionSets.available)
  func huggingFace(_ name: String, _ isa: String) throws {
    let folder = try TemporaryFolder()
    try folder.link(Self.tiny + "\(name)_config.json", as: "config.json")
    try folder.link(Self.tiny + "\(name).safetensors", as: "model.safetensors")
    let model = try ModelHarness(folder.path, instructionSet: isa)
    #expect(try difference(model, name) < 1e-4)
  }

  @Test(.enabled(if: Artefacts.tinyModels, "\(Artefacts.skip)"), arguments: ["f32", "f16"])
  func gguf(_ type: String) throws {
    let model = try ModelHarness(Artefacts.path(Self.tiny + "tiny_llama_\(type).gguf"))
    #expect(try difference(model, "tiny_llama") < (type == "f32" ? 1e-4 : 1e-2))
  }

  @Test(.enabled(if: Artefacts.tinyModels, "\(Artefacts.skip)"))
  func shards() throws {
    let folder = try TemporaryFolder()
    try folder.link(Self.tiny + "tiny_llama_config.json", as: "config.json")
    for file in [
      "tiny_llama.safetensors.index.json", "tiny_llama-00001-of-00002.safetensors",
      "tiny_llama-00002-of-00002.safetensors",
    ] { try folder.link(Self.tiny + file, as: file) }
    #expect(try difference(ModelHarness(folder.path), "tiny_llama") < 1e-4)
  }

  /// The 8-bit file against the same numbers written as floats.
  @Test(.enabled(if: Artefacts.tinyModels, "\(Artefacts.skip)"), arguments: Precision.allCases)
  func eightBitWeights(_ precision: Precision) throws {
    let path = Artefacts.path(Self.tiny + "tiny_llama_q8.gguf")
    let folder = try TemporaryFolder()
    let decoded = try ModelHarness(decode(path, in: folder))
    let model = try ModelHarness(path, precision: precision)
    let tokens: [TokenID] = [1, 5, 2, 7, 0, 3, 6, 4]
    let difference = largestDifference(model.logits(tokens), decoded.logits(tokens))
    #expect(difference < (precision == .full ? 1e-5 : 0.3))
  }

  /// Writes a GGUF file's tensors as F32 with the same metadata.
  private func decode(_ path: String, in folder: TemporaryFolder) throws -> String {
    let checkpoint = try Checkpoint.open(path)
    let tensors = checkpoint.tensors.values.sorted { $0.name < $1.name }
    let metadata = checkpoint.metadata.compactMap {
      key, value -> (key: String, value: GGUFValue)? in
      switch value {
      case .string(let text): (key, .string(text))
      case .unsigned, .integer: (key, .uint32(UInt32(value.intValue ?? 0)))
      case .number(let number): (key, .float32(Float(number)))
      default: nil
      }
    }
    let target = folder.path + "/decoded.gguf"
    var writer = try GGUFWriter(
      path: target, metadata: metadata,
      tensors: tensors.map { .init(name: $0.name, type: .f32, shape: $0.shape) })
    for tensor in tensors { try writer.append(quantize(.f32, tensor.floats())) }
    try writer.finish()
    return target
  }

  /// 40 tokens and 112 logits each, float32, of a bfloat16 model with head dimension 24.
  @Test(
    .enabled(if: Artefacts.pagedInfer, "\(Artefacts.skip)"), arguments: InstructionSets.available)
  func pagedInfer(_ isa: String) throws {
    let folder = "weights/paged-infer-tiny-llama/"
    let meta = try String(
      contentsOfFile: Artefacts.path(folder + "tiny_llama_meta.txt"), encoding: .utf8)
    let line = try #require(meta.split(separator: "\n").first { $0.hasPrefix("tokens=") })
    let tokens = line.dropFirst("tokens=".count).split(separator: ",").map { TokenID($0)! }
    let bytes = [UInt8](
      try Data(contentsOf: URL(filePath: Artefacts.path(folder + "tiny_llama_golden.bin"))))
    let numbers = stride(from: 0, to: bytes.count, by: 4).map { start in
      Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) })
    }
    let expected = tokens.indices.map { Array(numbers[$0 * 112..<($0 + 1) * 112]) }
    let model = try ModelHarness(
      Artefacts.path(folder + "tiny_llama.safetensors"), instructionSet: isa)
    #expect(largestDifference(model.logits(tokens), expected) < 1e-3)
  }
}
