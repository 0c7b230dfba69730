import Apus
import ApusCompute
import ApusEngine
import Foundation
import Testing

/// What rounding activations to 8 bits costs.
@Suite struct PrecisionTests {
  /// Perplexity of a text, every token but the first.
  private func perplexity(_ model: String, _ text: String, _ precision: Precision, keys: String)
    async throws -> Double
  {
    var configuration = EngineConfiguration()
    configuration.precision = precision
    configuration.keyFormat = keys
    configuration.valueFormat = keys
    let language = try LanguageModel(
      ModelReference(parsing: model), configuration: configuration)
    var request = GenerationRequest(
      prompt: Array(language.tokenizer.encode(text, addSpecialTokens: false).prefix(1000)))
    request.maxTokens = 0
    request.promptLogprobs = 0
    var scores: [Double] = []
    for try await event in language.engine.generate(request) {
      if case .promptLogprobs(let all) = event { scores = all.map { Double($0.chosen.logprob) } }
    }
    #expect(scores.count == request.prompt.count - 1 && scores.count > 900)
    return exp(-scores.reduce(0, +) / Double(scores.count))
  }

  /// Int8 activations change the perplexity of a text by less than 0.5 %.
  @Test func roundedActivationsKeepThePerplexity() async throws {
    var root = URL(filePath: #filePath)
    for _ in 0..<3 { root.deleteLastPathComponent() }
    let text = ["Examples/survey.txt"].map {
      (try? String(contentsOf: root.appending(path: $0), encoding: .utf8)) ?? ""
    }.joined(separator: "\n")
    let exact = try await perplexity("builtin:reader", text, .full, keys: "f32")
    let rounded = try await perplexity("builtin:reader", text, .quantized, keys: "f16")
    #expect(abs(rounded / exact - 1) < 0.005, "\(exact) with f32, \(rounded) with int8")
    print("perplexity \(exact) with f32, \(rounded) with int8 activations")
    let smallKeys = try await perplexity("builtin:reader", text, .quantized, keys: "q8_0")
    #expect(abs(smallKeys / exact - 1) < 0.02, "\(exact) with f32, \(smallKeys) with q8_0 keys")
    let smaller = try await perplexity("builtin:reader", text, .quantized, keys: "q4_0")
    print("perplexity \(smallKeys) with keys and values in q8_0, \(smaller) in q4_0")
  }
}
