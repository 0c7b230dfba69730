import ApusCore
import ApusKV
import Foundation
import Testing

/// Policies that cut heads back while a text grows.
@Suite(.serialized) struct EvictionPolicyTests {
  @Test func windowKeepsTheNewest() throws {
    #expect(try kept("window:budget=3", [[9, 9, 0, 0, 0]]) == [[2, 3, 4]])
    #expect(try kept("window:budget=0.5", [[9, 9, 0, 0, 0]]) == [[2, 3, 4]])
    #expect(try kept("window:budget=5", [[1, 2, 3]]) == [[0, 1, 2]])
  }

  @Test func streamingKeepsSinksAndTheNewest() throws {
    #expect(
      try kept("streaming:budget=5,sinks=2", [[0, 0, 9, 9, 9, 0, 0, 0]]) == [[0, 1, 5, 6, 7]])
    #expect(try kept("streaming:budget=3,sinks=0", [[0, 0, 0, 0, 0]]) == [[2, 3, 4]])
    // A share may leave no room for all sinks; the newest stays.
    #expect(try kept("streaming:budget=0.5,sinks=4", [[0, 0, 0, 0, 0, 0]]) == [[0, 1, 5]])
  }

  @Test func h2oKeepsHeavyHittersAndTheNewest() throws {
    let scores: [[Float]] = [[1, 5, 2, 4, 3, 0, 0, 0], [5, 1, 1, 1, 6, 0, 0, 9]]
    #expect(try kept("h2o:budget=4", scores) == [[1, 3, 6, 7], [0, 4, 6, 7]])
    #expect(try kept("h2o:budget=4,recent=0.25", scores) == [[1, 3, 4, 7], [0, 1, 4, 7]])
    #expect(try kept("h2o:budget=4,recent=1", scores) == [[4, 5, 6, 7], [4, 5, 6, 7]])
  }

  @Test func h2oSums() throws {
    let policy = try KVPolicies.make("h2o")
    var score: [Float] = []
    policy.accumulate([1, 2], vectors: 2, step: 0, into: &score)
    policy.accumulate([0.5, 0.25, 0.25], vectors: 1, step: 1, into: &score)
    #expect(score == [1.5, 2.25, 0.25])
  }

  @Test func tovaDropsTheSameTokensInAllHeads() throws {
    // Sums: 5, 4, 7, 1, 0, 0.
    let scores: [[Float]] = [[5, 0, 3, 1, 0, 0], [0, 4, 4, 0, 0, 0]]
    #expect(try kept("tova:budget=4", scores) == [[0, 1, 2, 5], [0, 1, 2, 5]])
    let policy = try KVPolicies.make("tova")
    var score: [Float] = [1, 2]
    policy.accumulate([0, 1, 0], vectors: 1, step: 3, into: &score)
    #expect(score == [0, 1, 0])
  }

  @Test func keyformerIsDeterministicAndMixesNoiseIn() throws {
    func scores(_ text: String, _ observed: [[Float]]) throws -> [Float] {
      let policy = try KVPolicies.make(text)
      var score: [Float] = []
      for (step, observed) in observed.enumerated() {
        policy.accumulate(observed, vectors: 2, step: step, into: &score)
      }
      return score
    }
    let observed: [[Float]] = [[1, 1, 0], [0.5, 0.5, 0.5, 0.5]]
    let first = try scores("keyformer:seed=1", observed)
    #expect(try scores("keyformer:seed=1", observed) == first)
    #expect(try scores("keyformer:seed=2", observed) != first)
    // Each step counts as much as it has query vectors.
    #expect(abs(first.reduce(0, +) - 4) < 1e-5)
    #expect(try scores("keyformer", [[1, 1, 0]])[2] == 0)
    #expect(try scores("keyformer", [[0, 0, 0]]) == [0, 0, 0])
  }

  /// At a temperature of 2 the shares of two keys are the square roots of those at 1.
  @Test func keyformerWarms() throws {
    let policy = try KVPolicies.make("keyformer:steps=10")
    func ratio(_ observed: [Float], step: Int) -> Double {
      var score: [Float] = []
      policy.accumulate(observed, vectors: 1, step: step, into: &score)
      return Double(score[0] / score[1])
    }
    // The noise of a step is the same for both.
    for (step, temperature) in [(0, 1.0), (5, 1.5), (10, 2), (30, 2)] {
      let change = ratio([0.8, 0.2], step: step) / ratio([0.5, 0.5], step: step)
      #expect(abs(change - pow(4, 1 / temperature)) < 1e-4)
    }
  }

  @Test func keyformerKeepsTheNewestQuarter() throws {
    #expect(
      try kept("keyformer:budget=4", [[1, 5, 2, 4, 3, 0, 0, 0]]) == [[1, 3, 4, 7]])
  }

  @Test func sirllmKeepsWhatSurprised() throws {
    let zeros = [Float](repeating: 0, count: 8)
    let surprise: [Float] = [0, 1, 5, 2, 4, 3, 9, 9]
    #expect(
      try kept("sirllm:budget=5,start=1,recent=2,decay=1", [zeros], surprise: surprise)
        == [[0, 2, 4, 6, 7]])
    // The newest may not be known yet.
    #expect(
      try kept("sirllm:budget=3,start=0,recent=0", [zeros], surprise: [0, 1, 5, 2])
        == [[2, 3, 7]])
  }

  @Test func surpriseFades() throws {
    // Of the text, tokens 0, 10, 90 and 100; 10 is 2 turns behind 100, and 90 none.
    var surprise = [Float](repeating: 0, count: 101)
    (surprise[10], surprise[90]) = (4, 1.5)
    func kept(decay: Double) throws -> [[Int]] {
      try ApusKVTests.kept(
        "sirllm:budget=2,start=0,recent=1,decay=\(decay)", [[0, 0, 0, 0]],
        tokens: [0, 10, 90, 100], surprise: surprise)
    }
    #expect(try kept(decay: 1) == [[1, 3]])
    #expect(try kept(decay: 0.7) == [[1, 3]])
    #expect(try kept(decay: 0.5) == [[2, 3]])
  }
}
