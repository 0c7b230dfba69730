import ApusAttention
import Testing

@Suite(.serialized) struct SentenceKVTests {
  private let sentences = stride(from: 25, to: 3000, by: 25).map { $0 }

  @Test func readsWholeSentences() throws {
    var test = SelectorCase(count: 3000)
    test.plant(1010)
    let selector = try KeySelectors.make("sentencekv:budget=256")
    #expect(selector.needsSentences)
    let keys = test.select(selector, HeadMemory(), count: 2990, sentences: sentences).keys
    #expect(keys.isSuperset(of: 1000..<1025))
    #expect(keys.isSuperset(of: 0..<4))
    #expect(keys.isSuperset(of: 2975..<2976), "the sentence being generated")
    for start in stride(from: 25, to: 2975, by: 25) {
      let count = keys.intersection(start..<start + 25).count
      #expect(count == 0 || count == 25)
    }
  }

  /// The query is averaged over the sentence, and starts anew with the next.
  @Test func remembersTheQueriesOfTheSentence() throws {
    var test = SelectorCase(count: 3000)
    // Two directions that have nothing in common.
    let parts = [0..<32, 32..<64].map { part in
      HeadQuery(
        (0..<128).map { part.contains($0 % 64) ? test.query.all[$0 % 64] : 0 }, dimension: 64)
    }
    test.query = parts[0]
    test.plant(1010)
    test.query = parts[1]
    test.plant(2010)
    let selector = try KeySelectors.make("sentencekv:budget=128,reuse=1")
    let memory = HeadMemory()
    test.query = parts[0]
    var keys = test.select(selector, memory, count: 2910, sentences: sentences).keys
    #expect(keys.contains(1010) && !keys.contains(2010))
    test.query = parts[1]
    keys = test.select(selector, memory, count: 2911, sentences: sentences).keys
    #expect(keys.contains(1010) && keys.contains(2010))
    keys = test.select(selector, memory, count: 2930, sentences: sentences).keys
    #expect(!keys.contains(1010) && keys.contains(2010))
  }

  @Test func pagesAreSentencesWhereThereAreNone() throws {
    var test = SelectorCase(count: 3000)
    test.plant(1010)
    let selector = try KeySelectors.make("sentencekv:budget=512,sinks=0")
    let selection = test.select(selector, HeadMemory())
    #expect(selection.masks.isEmpty)
    #expect(selection.pages.contains(1010 / 32))
    #expect(selection.pages.suffix(4) == [89, 90, 91, 92])
  }

  /// A sentence of more keys than the budget does not keep others from being read.
  @Test func cutsLongSentences() throws {
    var test = SelectorCase(count: 3000)
    test.plant(1010)
    let selector = try KeySelectors.make("sentencekv:budget=128")
    let sentences = [10, 2000, 2010, 2990]
    let keys = test.select(selector, HeadMemory(), sentences: sentences).keys
    #expect(keys.isSuperset(of: 992..<1024))
    #expect(keys.count <= 128)
  }

  @Test func refusesOptions() {
    expectError("sentencekv:reuse=0", names: "reuse")
    expectError("sentencekv:budget=64,sinks=33", names: "sinks")
  }
}
