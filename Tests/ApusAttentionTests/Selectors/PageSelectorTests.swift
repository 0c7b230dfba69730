import ApusAttention
import ApusCore
import Foundation
import Testing

/// Quest and Landmark, which rank pages, and what they have in common.
@Suite(.serialized) struct PageSelectorTests {
  /// The pages where some logical page of `logical` keys has the highest shares of the softmax over `product` for some
  /// vector, or some of the last `ahead` of the page before, the first and the last two beside them.
  private func best(
    _ test: SelectorCase, pageCount: Int, limit: Int, logical: Int, ahead: Int = 1,
    _ product: (Int, Range<Int>) -> Float
  ) -> [Int32] {
    var ranks = [Double](repeating: -.infinity, count: pageCount)
    for vector in 0..<3 {
      let scores = (0..<pageCount * 32 / logical).map { part in
        Double(product(vector, part * logical..<(part + 1) * logical))
          / Double(test.query.dimension).squareRoot()
      }
      let highest = scores.max()!
      let sum = scores.reduce(0) { $0 + exp($1 - highest) }
      for (part, score) in scores.enumerated() {
        let page = part * logical / 32
        let share = score - highest - log(sum)
        ranks[page] = max(ranks[page], share)
        let isAtEnd = (part + ahead) * logical / 32 > page
        if isAtEnd, page + 1 < pageCount { ranks[page + 1] = max(ranks[page + 1], share) }
      }
    }
    let middle = (1..<pageCount - 2).sorted { ranks[$0] > ranks[$1] }
    return ([0, pageCount - 2, pageCount - 1] + middle.prefix(limit - 3)).sorted().map(Int32.init)
  }

  @Test(arguments: [(24, 8, 1), (64, 8, 0), (64, 8, 3), (64, 4, 1), (64, 32, 0)])
  func questTakesTheHighestBounds(dimension: Int, logical: Int, ahead: Int) throws {
    let test = SelectorCase(count: 1500, dimension: dimension, vectors: 3)
    var options = "budget=320,refine=1,sinks=1,recent=2"
    if logical != 4 { options += ",logical=\(logical)" }
    if ahead != min(1, 32 / logical - 1) { options += ",ahead=\(ahead)" }
    let quest = try KeySelectors.make("quest:" + options)
    let expected = best(
      test, pageCount: 46, limit: 10, logical: logical, ahead: ahead
    ) { vector, keys in
      test.query[vector].enumerated().reduce(0) { bound, component in
        bound + keys.map { component.element * test.keys[$0][component.offset] }.max()!
      }
    }
    let selection = test.select(quest, HeadMemory())
    #expect(selection.pages == expected)
    #expect(selection.masks.isEmpty)
  }

  @Test func landmarkTakesTheHighestMeans() throws {
    let test = SelectorCase(count: 1500, vectors: 3)
    let landmark = try KeySelectors.make("landmark:budget=320,refine=1,sinks=1,recent=2")
    let expected = best(test, pageCount: 46, limit: 10, logical: 4) { vector, keys in
      keys.reduce(0) { $0 + test.product(vector, $1) } / 4
    }
    #expect(test.select(landmark, HeadMemory()).pages == expected)
  }

  /// With as many candidates as pages, the keys alone decide.
  @Test(arguments: ["quest", "landmark"])
  func candidatesAreRankedByTheirKeys(name: String) throws {
    let test = SelectorCase(count: 1500, vectors: 3)
    let expected = best(test, pageCount: 46, limit: 10, logical: 4) { vector, keys in
      keys.map { test.product(vector, $0) }.max()!
    }
    let all = try KeySelectors.make("\(name):budget=320,refine=5,sinks=1,recent=2")
    #expect(test.select(all, HeadMemory()).pages == expected)
    let none = try KeySelectors.make("\(name):budget=320,refine=1,sinks=1,recent=2")
    let few = try KeySelectors.make("\(name):budget=320,refine=2,sinks=1,recent=2")
    let candidates = try KeySelectors.make("\(name):budget=640,refine=1,sinks=1,recent=2")
    #expect(test.select(none, HeadMemory()).pages != expected)
    let known = test.select(candidates, HeadMemory()).pages
    let chosen = Set(test.select(few, HeadMemory()).pages)
    #expect(chosen.isSubset(of: known + known.map { $0 + 1 }))
  }

  /// A needle at the end of a page brings the page behind it, where the text goes on; one elsewhere does not.
  @Test(arguments: ["quest", "landmark"])
  func readsOnBehindTheEndOfAPage(name: String) throws {
    for (needle, options, isRead) in [
      (735, "", true), (732, "", true), (731, "", false), (735, ",ahead=0", false),
      (731, ",ahead=2", true), (735, ",refine=1", true),
    ] {
      var test = SelectorCase(count: 3000)
      test.plant(needle)
      // Without the needle, page 23 would be the last to be read.
      for key in 736..<768 { test.set(key, test.query[0].map { -$0 }) }
      let selector = try KeySelectors.make("\(name):budget=512" + options)
      let pages = test.select(selector, HeadMemory()).pages
      #expect(pages.contains(22), "\(needle)\(options)")
      #expect(pages.contains(23) == isRead, "\(needle)\(options)")
    }
  }

  @Test(arguments: ["quest", "landmark", "hip", "longheads:chunk=1", "squeezed", "sentencekv"])
  func reuses(name: String) throws {
    let separator = name.contains(":") ? "," : ":"
    let selector = try KeySelectors.make("\(name)\(separator)budget=512,reuse=3")
    var test = SelectorCase(count: 3000)
    let memory = HeadMemory()
    // The end of a page is two steps away, so that it does not make the selectors choose.
    let chosen = test.select(selector, memory, count: 2950)
    for count in [2951, 2952] {
      test.drawQuery()
      #expect(test.select(selector, memory, count: count).keys == chosen.keys)
    }
    #expect(test.select(selector, memory, count: 2953).keys != chosen.keys)
  }

  /// Pages completed in between are read, too, as long as they fit.
  @Test func addsCompletedPages() throws {
    let test = SelectorCase(count: 3000)
    let quest = try KeySelectors.make("quest:budget=512,reuse=100")
    let memory = HeadMemory()
    #expect(test.select(quest, memory, count: 14 * 32 + 1).pages == Array(0..<14))
    #expect(test.select(quest, memory, count: 16 * 32 + 1).pages == Array(0..<16))
    #expect(memory.age == 2)
    let selection = test.select(quest, memory, count: 17 * 32 + 1)
    #expect(memory.age == 1, "17 pages are beyond the budget")
    #expect(selection.pages.count == 16 && selection.pages.last == 16)
  }

  @Test func refusesOptionsThatLeaveNothingToChoose() {
    expectError("quest:budget=128,sinks=4", names: "sinks")
    expectError("quest:budget=128,sinks=2,recent=2", names: "recent")
    expectError("landmark:reuse=0", names: "reuse")
    expectError("hip:recent=-1", names: "recent")
    expectError("quest:logical=12", names: "logical")
    expectError("landmark:refine=0", names: "refine")
    expectError("quest:ahead=8", names: "ahead")
    expectError("landmark:logical=32,ahead=1", names: "ahead")
  }
}
