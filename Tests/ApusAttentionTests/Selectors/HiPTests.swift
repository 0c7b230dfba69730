import ApusAttention
import Testing

@Suite(.serialized) struct HiPTests {
  /// With at most two pages a node each page's middle key is looked at.
  @Test func ranksPagesByTheirMiddleKeys() throws {
    let test = SelectorCase(count: 20 * 32 + 1, vectors: 3)
    let hip = try KeySelectors.make("hip:budget=384,sinks=1,recent=1")
    let ranked = (1..<19).sorted { a, b in
      let products = [a, b].map { page in
        (0..<3).reduce(0) { $0 + test.product($1, page * 32 + 16) }
      }
      return products[0] > products[1]
    }
    let expected = (ranked.prefix(10) + [0, 19]).sorted().map(Int32.init)
    #expect(test.select(hip, HeadMemory()).pages == expected)
  }

  @Test func findsStretchesOfAlikeKeys() throws {
    var test = SelectorCase(count: 3000)
    for key in 1500..<1800 { test.plant(key, times: 2) }
    let hip = try KeySelectors.make("hip:budget=512")
    let pages = test.select(hip, HeadMemory()).pages
    #expect(Set(Int32(49)...Int32(53)).isSubset(of: pages))
  }
}
