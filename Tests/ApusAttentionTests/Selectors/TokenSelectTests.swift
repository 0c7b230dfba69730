import ApusAttention
import Foundation
import Testing

@Suite(.serialized) struct TokenSelectTests {
  @Test func takesTheKeysWithMostVotes() throws {
    let test = SelectorCase(count: 1000, vectors: 3)
    let selector = try KeySelectors.make("tokenselect:budget=200,sinks=10,recent=50")
    var votes = [Double](repeating: 0, count: 1000)
    for vector in 0..<3 {
      let powers = (0..<1000).map { exp(Double(test.product(vector, $0)) / 8) }
      let sum = powers.reduce(0, +)
      for key in 0..<1000 { votes[key] += powers[key] / sum }
    }
    let middle = (10..<942).sorted { votes[$0] > votes[$1] }
    let keys = test.select(selector, HeadMemory()).keys
    #expect(keys == Set(middle.prefix(140)).union(0..<10).union(942..<992))
  }

  @Test func keepsTheChoiceForSimilarQueries() throws {
    var test = SelectorCase(count: 1000)
    let selector = try KeySelectors.make("tokenselect:budget=200,similarity=0.8")
    let memory = HeadMemory()
    let first = test.query
    let noise = test.floats(128)
    func blend(_ share: Float) -> HeadQuery {
      HeadQuery(zip(first.all, noise).map { $0 + share * $1 }, dimension: 64)
    }
    let chosen = test.select(selector, memory, count: 961).keys
    test.query = blend(0.3)
    #expect(test.select(selector, memory, count: 962).keys == chosen)
    #expect(memory.age == 2)
    test.query = blend(2)
    #expect(test.select(selector, memory, count: 963).keys != chosen)
    #expect(memory.age == 1)
    // The next page would be beyond the budget.
    #expect(test.select(selector, memory, count: 993).keys.isSuperset(of: 960..<992))
    #expect(memory.age == 1)
  }

  @Test func refusesOptions() {
    expectError("tokenselect:similarity=1.5", names: "similarity")
    expectError("tokenselect:budget=64,sinks=64", names: "sinks")
    expectError("tokenselect:budget=64,sinks=32,recent=32", names: "recent")
  }
}
