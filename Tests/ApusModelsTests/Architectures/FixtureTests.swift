import ApusCompute
import ApusModels
import Testing

/// Every architecture and rope scaling against transformers in f32.
@Suite(.serialized) struct FixtureTests {
  static let names = [
    "llama", "llama-bias", "llama-dynamic-beyond", "llama-dynamic-within", "llama-linear",
    "llama-llama3", "llama-longrope-long", "llama-longrope-short", "llama-ntk", "llama-tied",
    "llama-wide-heads", "llama-yarn", "llama-yarn-attention", "llama-yarn-mscale", "mistral",
    "qwen2", "qwen2-window", "qwen3", "qwen3-yarn", "smollm3",
  ]

  @Test func allAreThere() {
    #expect(ModelFixture.all.map(\.name) == Self.names)
  }

  @Test(arguments: ModelFixture.all, ModelFixture.Form.allCases)
  func logits(_ fixture: ModelFixture, _ form: ModelFixture.Form) throws {
    let golden = try fixture.golden()
    for isa in InstructionSets.available {
      let model = try fixture.harness(form, golden: golden) {
        try ModelHarness($0, instructionSet: isa, contextLength: golden.contextLength)
      }
      let difference = largestDifference(model.logits(golden.sequence), golden.logits)
      #expect(difference < 1e-3, "\(isa)")
    }
  }

  @Test(arguments: ModelFixture.all, ModelFixture.Form.allCases)
  func greedyText(_ fixture: ModelFixture, _ form: ModelFixture.Form) throws {
    let golden = try fixture.golden()
    #expect(golden.continuations.count == 20)
    let model = try fixture.harness(form, golden: golden) {
      try ModelHarness($0, contextLength: golden.contextLength)
    }
    for (prompt, expected) in golden.continuations {
      #expect(expected.count == 64)
      #expect(model.greedy(prompt, count: expected.count) == expected)
    }
  }

  /// Half-precision keys and values move logits of up to 27 by at most 0.15, products of bf16 numbers by at most 2.5.
  @Test(arguments: ModelFixture.all, [Precision.full, .quantized])
  func halfPrecisionKV(_ fixture: ModelFixture, precision: Precision) throws {
    let golden = try fixture.golden()
    let model = try fixture.harness(.huggingFace, golden: golden) {
      try ModelHarness(
        $0, kv: .f16, precision: precision, contextLength: golden.contextLength)
    }
    #expect(
      largestDifference(model.logits(golden.sequence), golden.logits)
        < (precision == .full ? 0.15 : 2.5))
  }
}
