import ApusAttention
import Testing

@Suite(.serialized) struct LongHeadsTests {
  @Test func readsWholeChunks() throws {
    var test = SelectorCase(count: 2000)
    test.plant(1000)
    let selector = try KeySelectors.make("longheads:budget=512,chunk=4")
    // 62 pages are 15 chunks and a part of one, 4 of which are read.
    let pages = test.select(selector, HeadMemory()).pages
    #expect(pages.prefix(4) == [0, 1, 2, 3])
    #expect(pages.suffix(2) == [60, 61])
    #expect(Set(28...31).isSubset(of: pages), "the chunk of key 1000")
    #expect(pages.count == 14)
  }

  /// One key of many stands out: the representative is close to it, the mean is not.
  @Test func representativesFollowKeysThatStandOut() throws {
    var test = SelectorCase(count: 2000)
    test.plant(1000)
    let quiet = test.query[0].map { $0 * 0.2 }
    for key in 512..<768 { test.set(key, quiet) }
    let selector = try KeySelectors.make("longheads:budget=768,chunk=8")
    #expect(test.select(selector, HeadMemory()).pages.contains(1000 / 32))
  }

  @Test func refusesChunksOfWhichThreeDoNotFit() {
    expectError("longheads:budget=767,chunk=8", names: "chunk")
    expectError("longheads:budget=95", names: "budget")
    expectError("longheads:chunk=0", names: "chunk")
  }
}
