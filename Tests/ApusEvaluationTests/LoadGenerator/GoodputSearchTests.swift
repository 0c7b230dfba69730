import ApusCore
import ApusEvaluation
import Testing

@Suite struct GoodputSearchTests {
  /// One server that takes `service` seconds a request, in the order of arrival: the share answered within `limit`.
  private func attained(rate: Double, service: Double = 0.1, limit: Double = 0.5) -> Double {
    var source = RandomSource(seed: 3)
    let times = Arrivals(rate: rate).times(count: 4000, using: &source)
    var free = 0.0
    let good = times.count { time in
      free = max(free, time) + service
      return free - time <= limit
    }
    return Double(good) / Double(times.count)
  }

  private func searched(
    _ search: GoodputSearch, _ attained: (Double) -> Double
  ) -> GoodputSearch {
    var search = search
    while let rate = search.next { search.record(rate, attained: attained(rate)) }
    return search
  }

  @Test(arguments: [0.01, 1, 7.3, 500])
  func findsTheRateOfASimulatedServer(start: Double) throws {
    // Found by trying each hundredth.
    var exact = 0.01
    while attained(rate: exact + 0.01) >= 0.9 { exact += 0.01 }
    #expect((7.0..<10).contains(exact))
    let search = searched(GoodputSearch(start: start)) { attained(rate: $0) }
    let best = try #require(search.best)
    #expect(search.isSettled)
    #expect(best <= exact + 0.01 && best >= exact / 1.06, "\(best) for \(exact)")
    #expect(search.tries.count <= 20)
  }

  @Test func nothingAttains() {
    let search = searched(GoodputSearch(limits: 0.1...100)) { _ in 0 }
    #expect(search.best == nil)
    #expect(search.tries.last?.rate == 0.1)
    #expect(!search.isSettled)
  }

  /// A request that is alone with the server and misses would miss at any rate.
  @Test func missesOfSingleRequestsEndTheSearch() {
    var search = GoodputSearch(start: 8)
    search.record(8, attained: 0.5)
    #expect(search.next == 4)
    search.record(4, attained: 0, wereAlone: true)
    #expect(search.next == nil && search.best == nil)
  }

  @Test func everythingAttains() {
    let search = searched(GoodputSearch(limits: 0.1...100)) { _ in 1 }
    #expect(search.best == 100)
    #expect(search.worst == nil && !search.isSettled)
  }

  @Test func allowedMissesAreTheMostThatAttain() {
    for attain in [0.5, 0.9, 0.99, 1] {
      for count in 1...300 {
        let misses = GoodputSearch(attain: attain).allowedMisses(of: count)
        #expect(Double(count - misses) / Double(count) >= attain)
        #expect(Double(count - misses - 1) / Double(count) < attain)
      }
    }
  }
}
