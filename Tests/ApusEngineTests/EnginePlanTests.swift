import ApusCore
import ApusEngine
import ApusModels
import Testing

@Suite(.serialized) struct EnginePlanTests {
  /// 2 layers, 2 KV heads of 16 in f16: a block of 32 tokens takes 2 * 2 * (128 + 1024 + 1024) = 8,704 bytes.
  private let model = ModelConfiguration(
    architecture: "llama", name: "test",
    shape: ModelShape(
      layerCount: 2, headCount: 4, kvHeadCount: 2, headDimension: 16, vocabularySize: 100,
      contextLength: 1024),
    hiddenSize: 64, intermediateSize: 128, normEpsilon: 1e-5,
    rope: RopeConfiguration(base: 10_000, dimension: 16, layout: .half, scaling: .none),
    tiedEmbeddings: true)

  private func plan(
    available: Int = 1 << 30, weights: Int = 1 << 20,
    _ change: (inout EngineConfiguration) -> Void = { _ in }
  ) throws -> EnginePlan {
    var configuration = EngineConfiguration()
    change(&configuration)
    return try EnginePlan(
      configuration, model: model, weightByteCount: weights, availableMemory: available)
  }

  @Test func roomForAllSequences() throws {
    let plan = try plan { $0.maxSequences = 3 }
    #expect(plan.contextLength == 1024)
    #expect(plan.geometry.blockByteCount == 8704)
    #expect(plan.blockCount == 3 * 32)
  }

  @Test func approximateFormatsAreMethods() throws {
    #expect(try plan().methods == [])
    #expect(try plan { $0.keyFormat = "bf16" }.methods == [])
    #expect(try plan { $0.valueFormat = "q4_0" }.methods == ["cache-type-v:q4_0"])
  }

  /// What answers are compared with is never less exact than they are.
  @Test(arguments: [
    ("f16", "f16"), ("bf16", "f16"), ("q8_0", "f16"), ("q4_0", "f16"), ("f32", "f32"),
  ])
  func theExactConfiguration(format: String, exact: String) {
    var configuration = EngineConfiguration()
    configuration.valueFormat = format
    configuration.contextLength = 77
    #expect(configuration.exact.valueFormat == exact)
    #expect(configuration.exact.keyFormat == "f16")
    #expect(configuration.exact.contextLength == 77)
    configuration.keyFormat = format
    #expect(configuration.exact.keyFormat == exact)
  }

  @Test func theExactConfigurationKeepsAndReadsEverything() throws {
    var configuration = EngineConfiguration()
    #expect(!configuration.isApproximate)
    for (policy, selector) in [("window", nil), (nil, "quest"), ("window:budget=0.2", "quest")] {
      configuration.kvMethods = try KVMethods(policy: policy, selector: selector)
      #expect(configuration.isApproximate && !configuration.exact.isApproximate)
      #expect(configuration.exact.kvMethods.policy == nil)
      #expect(configuration.exact.kvMethods.selector == nil)
    }
    configuration.kvMethods = try KVMethods(policy: "none", selector: "none")
    #expect(!configuration.isApproximate)
  }

  @Test func hugeHeadsAreRefused() throws {
    var huge = model
    huge.shape.headDimension = 513
    #expect(throws: EngineError.headTooLarge(513, limit: 512)) {
      try EnginePlan(
        EngineConfiguration(), model: huge, weightByteCount: 1 << 20, availableMemory: 1 << 30)
    }
  }

  @Test func littleMemoryShortensTheContext() throws {
    let plan = try plan(available: (1 << 20) + 8704 * 20)
    #expect(plan.blockCount == 12)
    #expect(plan.contextLength == 12 * 32)
  }

  @Test func refusals() {
    #expect(throws: EngineError.modelTooLarge(needed: (1 << 20) + 8704, available: 1 << 20)) {
      try plan(available: 1 << 20)
    }
    #expect(throws: EngineError.contextTooLarge(tokens: 64, needed: 17408, available: 8704)) {
      try plan {
        $0.contextLength = 64
        $0.kvMemory = ByteCount(10_000)
      }
    }
    #expect(throws: EngineError.invalidContextLength(0)) { try plan { $0.contextLength = 0 } }
    #expect(throws: CatalogError.self) { try plan { $0.keyFormat = "q9" } }
  }
}
