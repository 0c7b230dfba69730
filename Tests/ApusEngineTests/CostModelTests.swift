import ApusCompute
import ApusCore
import ApusEngine
import ApusModels
import Testing

/// Figures that were worked out by hand.
@Suite(.serialized) struct CostModelTests {
  private typealias Work = CostModel.Work

  private func close(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-9 * abs(b) }

  /// 2 layers, 4 heads of 16, 2 of them for keys and values: a page of 32 tokens takes 8,704 bytes in f16.
  private func costs(
    bandwidth: Double = 1e6, keys: KVElement = .f16,
    _ change: (inout ModelConfiguration) -> Void = { _ in }
  ) -> CostModel {
    var configuration = ModelConfiguration(
      architecture: "llama", name: "test",
      shape: ModelShape(
        layerCount: 2, headCount: 4, kvHeadCount: 2, headDimension: 16, vocabularySize: 100,
        contextLength: 1024),
      hiddenSize: 64, intermediateSize: 128, normEpsilon: 1e-5,
      rope: RopeConfiguration(base: 10_000, dimension: 16, layout: .half, scaling: .none),
      tiedEmbeddings: true)
    change(&configuration)
    return CostModel(
      configuration: configuration,
      geometry: KVGeometry(
        layerCount: 2, headCount: 2, headDimension: 16, key: keys, value: .f16),
      weights: .init(
        byteCount: 2_000_000, readByteCount: 1_600_000, layers: Work(int8: 1000),
        head: Work(float: 500)),
      machine: .init(bandwidth: bandwidth, int8: 1e5, float: 2e5, link: 4e5), chunk: 3)
  }

  @Test func memory() {
    let costs = costs()
    #expect(costs.kvBytesPerToken == 272)
    #expect(costs.kvByteCount(32) == 8704)
    #expect(costs.kvByteCount(33) == 17_408)
    #expect(costs.users(64, kvMemory: 3 * 17_408) == 3)
    #expect(costs.users(64, kvMemory: 3 * 17_408 - 1) == 2)
    #expect(costs.users(64, kvMemory: -1) == 0)
    #expect(close(costs.swapTime(64), 17_408 / 4e5))
  }

  /// One token with another: 4 heads of 16, two products, two operations each, is 256 operations a layer.
  private func work(int8: Double, pairs: Double) -> Work {
    Work(int8: int8, float: 500, half: pairs * 256)
  }

  @Test func work() {
    // 1 + 2 + 3 + 4 pairs in each of 2 layers.
    #expect(costs().prefillWork(4) == work(int8: 4000, pairs: 20))
    // 4 pairs in each.
    #expect(costs().decodeWork(4) == work(int8: 1000, pairs: 8))
  }

  @Test func windowsBoundTheWork() {
    func window(_ configuration: inout ModelConfiguration) {
      configuration.slidingWindow = 2
      configuration.slidingWindowLayers = [false, true]
    }
    let costs = costs(window)
    // The second layer has 1 + 2 + 2 + 2 pairs, and 2 for the last token.
    #expect(costs.prefillWork(4) == work(int8: 4000, pairs: 17))
    #expect(costs.decodeWork(4) == work(int8: 1000, pairs: 6))
    // It reads one of two pages, of 2 heads, of 2,176 bytes each.
    #expect(close(costs.timePerOutputToken(64, users: 1), 1.6 + 3 * 4352 / 1e6))
  }

  @Test func roundedKeysAreMultipliedAsBytes() {
    let expected = Work(int8: 1000 + 8 * 128, float: 500, half: 8 * 128)
    #expect(costs(keys: .q8_0).decodeWork(4) == expected)
  }

  @Test func timesAreBoundByReading() {
    // 4 tokens are 2 steps of at most 3, which read the weights once each.
    #expect(close(costs().timeToFirstToken(4), 3.2))
    #expect(close(costs().timePerOutputToken(4, users: 1), 1.6 + 8704 / 1e6))
    #expect(close(costs().timePerOutputToken(4, users: 3), 1.6 + 3 * 8704 / 1e6))
  }

  @Test func timesAreBoundByArithmetic() {
    let costs = costs(bandwidth: 1e12)
    #expect(close(costs.timeToFirstToken(4), 4000 / 1e5 + 5620 / 2e5))
    #expect(close(costs.timePerOutputToken(4, users: 1), 1000 / 1e5 + 2548 / 2e5))
    #expect(close(costs.timePerOutputToken(4, users: 3), 3 * (1000 / 1e5 + 2548 / 2e5)))
  }

  /// 8 layers of 1,572,864 weights in Q8_0, 6,528 numbers of norms in F32, and an embedding of 4096 rows of 384 that is
  /// the output matrix too.
  @Test func weightsOfTheReader() throws {
    let checkpoint = try Checkpoint.open(Reader.path)
    let bytes = (8 * 1_572_864 + 4096 * 384) / 32 * 34 + 6528 * 4
    let layers = 2.0 * 8 * 1_572_864
    let head = 2.0 * 4096 * 384
    let expected = CostModel.Weights(
      byteCount: bytes, readByteCount: bytes, layers: Work(int8: layers), head: Work(int8: head))
    #expect(CostModel.Weights(checkpoint, precision: .quantized) == expected)
    let floats = CostModel.Weights(checkpoint, precision: .full)
    #expect(floats.layers == Work(float: layers))
    #expect(floats.head == Work(float: head))
  }

  /// 131 rows of 64 in the embedding and as many in the head; in each of 2 layers 21,504 weights, of which 64 rows of
  /// 48 have no whole blocks and become F16; 5 norms of 64.
  @Test func weightsOfAModelWithAHeadOfItsOwn() throws {
    let checkpoint = try Checkpoint.open(Reader.fixture("llama/model.safetensors"))
    let head = 2.0 * 131 * 64
    let stored = CostModel.Weights(
      byteCount: 240_384, readByteCount: 240_384 - 131 * 64 * 4,
      layers: Work(float: 2 * 2 * 21_504), head: Work(float: head))
    #expect(CostModel.Weights(checkpoint, precision: .quantized) == stored)
    let (whole, odd) = (21_504 - 64 * 48, 64 * 48)
    let embedding = 131 * 64 / 32 * 34
    let rest = 2 * (whole / 32 * 34 + odd * 2) + 5 * 64 * 4
    let small = CostModel.Weights(
      byteCount: 2 * embedding + rest, readByteCount: embedding + rest,
      layers: Work(int8: Double(4 * whole), float: Double(4 * odd)), head: Work(int8: head))
    let loaded = CostModel.Weights(checkpoint, precision: .quantized, quantization: .q8_0)
    #expect(loaded == small)
  }
}
