import ApusCore
import ApusKV
import Testing

/// Policies that cut heads back when the prompt has been read.
@Suite(.serialized) struct PromptPolicyTests {
  @Test func snapkvKeepsTheWindowAndWhatItAttendsTo() throws {
    let scores: [[Float]] = [[1, 0, 4, 0, 0, 3, 0, 9, 9]]
    #expect(try kept("snapkv:budget=4,window=2,kernel=1", scores) == [[2, 5, 7, 8]])
    // Sums of three: 1, 5, 4, 4, 3, 3, 3; the window adds nothing to what stands before it.
    #expect(try kept("snapkv:budget=4,window=2,kernel=3", scores) == [[1, 2, 7, 8]])
    // Largest of three: 1, 4, 4, 4, 3, 3, 3.
    #expect(
      try kept("snapkv:budget=5,window=2,kernel=3,pooling=max", scores) == [[1, 2, 3, 7, 8]])
  }

  /// Beyond the ends there is nothing, so that a key there is not preferred.
  @Test func poolingTakesZerosBeyondTheEnds() throws {
    #expect(
      try kept("snapkv:budget=2,window=1,kernel=3", [[2, 0, 0, 1, 1, 1, 0]]) == [[4, 6]])
  }

  @Test func aSmallShareLeavesTheWindowOnly() throws {
    #expect(
      try kept("snapkv:budget=0.2,window=8,kernel=1", [[9, 9, 9, 9, 9, 0, 0, 0, 0, 0]])
        == [[8, 9]])
  }

  @Test(arguments: [1, 2, 3, 24, 33])
  func pyramidFallsAroundTheBudget(layerCount: Int) throws {
    let shape = KVShape(layerCount: layerCount, headCount: 2)
    func capacities(_ text: String, _ promptCount: Int) throws -> [Int] {
      let policy = try KVPolicies.make(text)
      return (0..<layerCount).map {
        policy.capacity(layer: $0, head: 1, of: shape, promptCount: promptCount)
      }
    }
    for (text, promptCount, budget) in [
      ("pyramid", 10_000, 1024), ("pyramid:beta=3,window=5,budget=100", 1000, 100),
      ("pyramid:budget=0.1", 777, 78), ("pyramid:budget=100", 130, 100),
    ] {
      let capacities = try capacities(text, promptCount)
      #expect(capacities.reduce(0, +) == layerCount * budget, "\(text)")
      #expect(zip(capacities, capacities.dropFirst()).allSatisfy { $0 >= $1 })
      #expect(capacities.allSatisfy { $0 > 0 && $0 <= promptCount })
    }
    let flat = try capacities("pyramid:beta=1", 10_000)
    #expect(flat == Array(repeating: 1024, count: layerCount))
    if layerCount > 1 {
      // The window of 32 and a twentieth of 992.
      #expect(try capacities("pyramid", 10_000).last == 32 + 49)
      #expect(try capacities("pyramid", 10_000).first == 2 * 1024 - 81)
      #expect(try capacities("pyramid:budget=100", 130).first == 130)
    }
    let short = try capacities("pyramid", 900)
    #expect(short == Array(repeating: 1024, count: layerCount))
  }

  @Test func pyramidKeepsLikeSnapKV() throws {
    let policy = try KVPolicies.make("pyramid:budget=4,window=1,kernel=1,beta=3")
    func kept(layer: Int) -> [[Int]] {
      policy.retained(
        of: view(policy, scores: [[1, 5, 2, 4, 3, 0, 0, 0]], layer: layer, layerCount: 3))
    }
    #expect(kept(layer: 0) == [[0, 1, 2, 3, 4, 7]])
    #expect(kept(layer: 1) == [[1, 3, 4, 7]])
    #expect(kept(layer: 2) == [[1, 7]])
  }

  @Test func adaptiveGivesTokensToTheHeadsThatNeedThem() throws {
    let scores: [[Float]] = [[9, 8, 7, 6, 5, 4, 0, 0], [1, 1, 1, 2, 1, 1, 0, 0]]
    // Each is sure of its window; the other 4 of 2 x 4 go to the first.
    #expect(
      try kept("adaptive:budget=4,window=2,kernel=1,floor=0", scores)
        == [[0, 1, 2, 3, 6, 7], [6, 7]])
    // Half of 4 is the window itself; three quarters are one more.
    #expect(
      try kept("adaptive:budget=4,window=2,kernel=1,floor=0.75", scores)
        == [[0, 1, 2, 6, 7], [3, 6, 7]])
    #expect(
      try kept("adaptive:budget=4,window=2,kernel=1,floor=1", scores)
        == [[0, 1, 6, 7], [0, 3, 6, 7]])
    #expect(
      try kept("adaptive:budget=8,window=2", scores) == [Array(0..<8), Array(0..<8)])
  }

  @Test func speckvScoresThePromptByTheLookahead() throws {
    // The last two of the prompt stay whatever the draft's tokens attend to.
    let scores: [[Float]] = [[1, 0, 4, 0, 0, 3, 0, 0, 0]]
    #expect(try kept("speckv:budget=4,window=2,kernel=1", scores) == [[2, 5, 7, 8]])
  }

  @Test func gemfilterChoosesTheSameTokensForAllHeads() throws {
    // Sums: 1, 1, 5, 4, 0, 3, 0.
    let scores: [[Float]] = [[1, 0, 5, 0, 0, 3, 0], [0, 1, 0, 4, 0, 0, 0]]
    #expect(
      try kept("gemfilter:budget=4,kernel=1", scores) == [[2, 3, 5, 6], [2, 3, 5, 6]])
    // Sums of three: 2, 7, 10, 9, 7, 3, 3.
    #expect(
      try kept("gemfilter:budget=3,kernel=3", scores) == [[2, 3, 6], [2, 3, 6]])
  }

  @Test func minicacheKeepsAllTokens() throws {
    #expect(try kept("minicache:budget=2", [[0, 0, 0, 0]]) == [[0, 1, 2, 3]])
    let policy = try KVPolicies.make("minicache")
    let shape = KVShape(layerCount: 4, headCount: 2)
    #expect(policy.capacity(layer: 3, head: 0, of: shape, promptCount: 5000) == 1024)
  }
}
