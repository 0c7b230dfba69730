import ApusAttention
import ApusCore
import Testing

@Suite(.serialized) struct SelectorSupportTests {
  @Test func ranksAsSortingDoes() {
    var random = RandomSource(seed: 2)
    for count in [0, 1, 2, 3, 10, 100, 1000] {
      // Few values, so that some are equal.
      for values in [2.0, 10, 1e9] {
        let scores = (0..<count).map { _ in
          Float((random.nextUnit() * values).rounded(.down) - values / 2)
        }
        let sizes = (0..<count).map { _ in 1 + Int(random.nextUnit() * 20) }
        let order = (0..<count).sorted { (-scores[$0], $0) < (-scores[$1], $1) }
        for limit in [0, 1, 7, count, 20 * count] {
          let ranking = Ranking(scores, in: 0..<count, limit: limit)
          #expect(ranking.chosen.sorted() == order.prefix(limit).sorted().map(Int32.init))
          #expect(ranking.next == (limit < count ? Int32(order[limit]) : nil))
          var (rest, fitting) = (limit, 0)
          while fitting < count, sizes[order[fitting]] <= rest {
            rest -= sizes[order[fitting]]
            fitting += 1
          }
          let sized = Ranking(scores, in: 0..<count, limit: limit) { sizes[$0] }
          #expect(sized.chosen.sorted() == order.prefix(fitting).sorted().map(Int32.init))
          #expect(sized.next == (fitting < count ? Int32(order[fitting]) : nil))
        }
      }
    }
  }

  @Test func ranksWhatIsNoNumberLast() {
    let scores: [Float] = [.nan, 0, -.infinity, -0.0, .infinity, -3, -.nan, 2]
    let order: [Int32] = [4, 7, 1, 3, 5, 2, 0, 6]
    for limit in 0...8 {
      let ranking = Ranking(scores, in: 0..<8, limit: limit)
      #expect(Set(ranking.chosen) == Set(order.prefix(limit)))
    }
    #expect(Ranking(scores, in: 2..<4, limit: 1).chosen == [3])
  }

  @Test func bestKeepsEnds() {
    let scores: [Float] = [0, 5, 1, 9, 9, 2, 0, 0]
    func best(_ limit: Int, sinks: Int, recent: Int) -> [Int32] {
      HeadMemory.best(scores, pageCount: 8, limit: limit, sinks: sinks, recent: recent)
    }
    #expect(best(8, sinks: 1, recent: 2) == Array(0..<8))
    #expect(best(4, sinks: 1, recent: 2) == [0, 3, 6, 7])
    #expect(best(5, sinks: 1, recent: 2) == [0, 3, 4, 6, 7])
    #expect(best(3, sinks: 0, recent: 0) == [1, 3, 4])
    #expect(best(2, sinks: 1, recent: 4) == [6, 7])
  }

  @Test func bitsBecomePagesAndMasks() {
    var bits = KeyBits(pageCount: 4)
    var selection = KeySelection()
    bits.insert(5)
    bits.insert(5)
    bits.insert(30..<34)
    bits.insert(96..<200)
    bits.insert(128)
    bits.insert(7..<7)
    #expect(bits.count == 37)
    bits.write(into: &selection)
    #expect(selection.pages == [0, 1, 3])
    #expect(selection.masks == [0xC000_0020, 3, .max])
    #expect(selection.keyCount == 37)
    bits.insert(0..<64)
    bits.write(into: &selection)
    #expect(selection.pages == [0, 1, 3])
    #expect(selection.masks.isEmpty, "whole pages need none")
    #expect(selection.keyCount == 96)
  }
}
