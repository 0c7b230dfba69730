import ApusCore
import ApusScheduling
import Testing

@Suite(.serialized) struct PrefixOrderTests {
  /// A prompt of the numbers, written as `(tokens, answer)`.
  private func order(_ items: [([TokenID], Int)], unit: Int = 2) -> [Int] {
    PrefixOrder.order(
      of: items.map { PrefixOrder.Item(prompt: $0.0, answerCount: $0.1) }, unit: unit)
  }

  @Test func nothingToOrder() {
    #expect(order([]) == [])
    #expect(order([([1, 2, 3], 5)]) == [0])
    #expect(order([([], 0), ([], 0)]) == [0, 1])
  }

  @Test func sharersStandTogether() {
    let a: [TokenID] = [1, 1, 1, 1]
    let b: [TokenID] = [2, 2, 2, 2]
    // All are alike, so the first to come leads, and its sharer follows it.
    #expect(order([(a, 4), (b, 4), (a, 4), (b, 4)]) == [0, 2, 1, 3])
  }

  @Test func whatIsSharedIsReadOnce() {
    let items: [([TokenID], Int)] = [
      ([1, 1, 1, 1, 7, 7], 6),  // alone 6 / 6 = 1
      ([2, 2, 2, 2, 2, 2], 7),  // alone 7 / 6
      ([1, 1, 1, 1, 8, 8], 6),  // with the first: 12 / (4 + 2 + 2) = 1.5
    ]
    #expect(order(items) == [0, 2, 1])
    // Without sharing the second comes first.
    #expect(order(items, unit: 6) == [1, 0, 2])
  }

  @Test func decodeHeavyFirst() {
    #expect(
      order([([1, 1], 1), ([2, 2], 9), ([3, 3], 5), ([4, 4, 4, 4], 16)]) == [1, 3, 2, 0])
  }

  @Test func branchesAreOrderedAtEveryLevel() {
    let start: [TokenID] = [5, 5]
    #expect(
      order([
        (start + [1, 1, 1], 1), (start + [2, 2, 1], 1), (start + [2, 2, 2], 30),
        (start + [1, 1, 2], 2), ([9, 9], 1),
      ]) == [2, 1, 3, 0, 4])
  }

  @Test func onlyWholeUnitsAreShared() {
    let equal: [([TokenID], Int)] = [([1, 2, 3, 9], 1), ([8, 8, 8, 8], 1), ([1, 2, 3, 7], 1)]
    #expect(order(equal, unit: 4) == [0, 1, 2])
    // 2 written for 3 + 1 + 1 read, against 1 for 4.
    #expect(order(equal, unit: 3) == [0, 2, 1])
  }

  @Test func aPromptThatBeginsAnother() {
    let short: [TokenID] = [1, 1]
    #expect(order([([3, 3], 2), (short, 1), (short + [2, 2], 1), (short, 9)]) == [3, 1, 2, 0])
  }

  @Test func ownTokensCount() {
    let items = [
      PrefixOrder.Item(prompt: [1, 1], answerCount: 4, ownCount: 100),
      PrefixOrder.Item(prompt: [2, 2], answerCount: 1),
    ]
    #expect(PrefixOrder.order(of: items, unit: 2) == [1, 0])
  }

  /// Each of many prompts leaves a common beginning one unit later than the one before.
  @Test func deepTrees() {
    let prompts = (0..<1500).map { ([TokenID](repeating: 1, count: 2 * $0) + [2, 2], 1) }
    let order = order(prompts)
    #expect(Set(order) == Set(0..<1500))
    #expect(order.count == 1500)
  }

  /// Whatever the prompts, requests with the same first unit are never apart.
  @Test func everyOrderIsAPermutationWithSharersTogether() {
    var random = RandomSource(seed: 11)
    for _ in 0..<200 {
      let items = (0..<Int.random(in: 1...30, using: &random)).map { _ in
        (
          (0..<Int.random(in: 0...7, using: &random)).map { _ in
            TokenID.random(in: 0...1, using: &random)
          }, Int.random(in: 0...9, using: &random)
        )
      }
      let order = order(items)
      #expect(order.sorted() == Array(items.indices))
      for length in [2, 4, 6] {
        let starts = order.map {
          items[$0].0.count < length ? [] : Array(items[$0].0.prefix(length))
        }
        let runs = zip(starts, starts.dropFirst()).filter { $0 != $1 }.map(\.1) + [starts[0]]
        let shared = runs.filter { !$0.isEmpty }
        #expect(shared.count == Set(shared).count)
      }
    }
  }
}
