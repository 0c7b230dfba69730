import ApusCompute
import ApusCore
import ApusModels
import Foundation
import Synchronization
import Testing

/// Weights that are quantised while they are loaded, and weights out of a folder of packed ones.
@Suite(.serialized) struct WeightLoaderTests {
  /// Rows of whole super-blocks, and rows that fall back to smaller blocks.
  private var model: RandomModel {
    var model = RandomModel()
    (model.type, model.layers, model.hidden, model.inner) = (.f16, 2, 256, 352)
    return model
  }

  private func quantized(_ path: String, _ type: QuantizationType) throws -> String {
    let result = path + "-\(type.rawValue).gguf"
    _ = try Quantizer(try Checkpoint.open(path), type: type).write(to: result)
    return result
  }

  private func sameBits(_ a: ModelHarness, _ b: ModelHarness, _ tokens: [TokenID]) -> Bool {
    ApusModelsTests.sameBits(a.logits(tokens), b.logits(tokens))
  }

  @Test(arguments: QuantizationType.allCases, Precision.allCases)
  func quantizesAsTheQuantizerDoes(type: QuantizationType, precision: Precision) throws {
    let folder = try TemporaryFolder()
    let path = try model.write(to: folder)
    let first = try ModelHarness(try quantized(path, type), precision: precision)
    let loaded = try ModelHarness(path, precision: precision, threads: 3, quantization: type)
    #expect(sameBits(first, loaded, model.tokens(12, seed: 1)))
  }

  @Test(arguments: ["llama", "qwen2", "qwen3"], [true, false])
  func quantizesSafetensors(architecture: String, tied: Bool) throws {
    let folder = try TemporaryFolder()
    var builder = ModelBuilder()
    (builder.architecture, builder.tied, builder.type) = (architecture, tied, .bf16)
    try builder.writeFolder(folder)
    let first = try ModelHarness(try quantized(folder.path, .q4_0))
    let loaded = try ModelHarness(folder.path, quantization: .q4_0)
    let tokens = (0..<12).map { TokenID($0 * 7 % builder.vocabulary) }
    if architecture == "llama" {
      // The quantizer puts the pairs of a head side by side: its sums have another order.
      #expect(largestDifference(first.logits(tokens), loaded.logits(tokens)) < 1e-5)
    } else {
      #expect(sameBits(first, loaded, tokens))
    }
  }

  @Test func quantizedWeightsStayAsTheyAre() throws {
    let folder = try TemporaryFolder()
    var model = model
    model.type = .q5_0
    let path = try model.write(to: folder)
    let tokens = model.tokens(8, seed: 2)
    #expect(sameBits(try ModelHarness(path), try ModelHarness(path, quantization: .q8_0), tokens))
  }

  @Test func quantizingChangesTheMemoryThatIsPlanned() throws {
    let folder = try TemporaryFolder()
    let path = try model.write(to: folder)
    let file = try Checkpoint.open(try quantized(path, .q4_k))
    let source = try Checkpoint.open(path)
    #expect(source.weightByteCount(quantized: .q4_k) == file.weightByteCount)
    #expect(source.weightByteCount(quantized: nil) == source.weightByteCount)
  }

  @Test func numbersThatDoNotFitAreNamed() throws {
    let folder = try TemporaryFolder()
    let builder = ModelBuilder()
    try builder.writeFolder(folder)
    let path = folder.path + "/model.safetensors"
    let tensor = try Checkpoint.open(path).tensor("blk.1.ffn_down.weight")
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    let place = tensor.offset + 3 * builder.wide * 4
    bytes.replaceSubrange(place..<place + 4, with: [0, 0, 0x80, 0x7F])
    _ = try folder.write(bytes, "model.safetensors")
    let error = #expect(throws: CheckpointError.self) {
      try ModelHarness(folder.path, quantization: .q8_0)
    }
    #expect(error?.description.contains("'blk.1.ffn_down.weight' has a number in row 3") == true)
  }

  /// All ways to load give the same logits with the folder as without, when it is written and when it is read.
  @Test(
    arguments: [TensorType.f32, .f16, .q8_0, .q4_0, .q4_K, .q6_K],
    [
      (Precision.quantized, QuantizationType?.none), (.full, nil), (.quantized, .q4_k),
      (.full, .q4_k),
    ])
  func packedWeightsAreKept(
    type: TensorType, way: (precision: Precision, quantization: QuantizationType?)
  ) throws {
    let folder = try TemporaryFolder()
    var model = model
    (model.type, model.headDimension, model.inner) = (type, 64, 512)
    let path = try model.write(to: folder)
    let cache = folder.path + "/cache"
    let tokens = model.tokens(8, seed: 3)
    let expected = try ModelHarness(
      path, precision: way.precision, quantization: way.quantization
    ).logits(tokens)
    let warnings = Mutex<[String]>([])
    func logits() throws -> [[Float]] {
      try ModelHarness(
        path, precision: way.precision, threads: 2, quantization: way.quantization,
        packCache: cache, warning: { line in warnings.withLock { $0.append(line) } }
      ).logits(tokens)
    }
    #expect(ApusModelsTests.sameBits(try logits(), expected))
    let names = try FileManager.default.contentsOfDirectory(atPath: cache)
    #expect(names.count == 1)
    #expect(ApusModelsTests.sameBits(try logits(), expected))
    #expect(warnings.withLock { $0 } == [])
    guard let name = names.first else { return }
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: cache + "/" + name)))
    bytes[bytes.count / 2] ^= 1
    try Data(bytes).write(to: URL(filePath: cache + "/" + name))
    #expect(ApusModelsTests.sameBits(try logits(), expected))
    #expect(warnings.withLock { $0.count } == 1)
    #expect(ApusModelsTests.sameBits(try logits(), expected))
    #expect(warnings.withLock { $0.count } == 1)
  }
}
