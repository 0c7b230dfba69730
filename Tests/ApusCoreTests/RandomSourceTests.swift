import ApusCore
import Testing

@Suite struct RandomSourceTests {
  /// The first numbers of SplitMix64 with seed 1234567, as its authors' code prints them.
  @Test func isSplitMix64() {
    var source = RandomSource(seed: 1_234_567)
    #expect(
      (0..<5).map { _ in source.next() } == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
        4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
      ])
  }

  @Test func seedDecides() {
    var (a, b, c) = (RandomSource(seed: 1), RandomSource(seed: 1), RandomSource(seed: 2))
    let numbers = (0..<10).map { _ in a.next() }
    #expect(numbers == (0..<10).map { _ in b.next() })
    #expect(numbers != (0..<10).map { _ in c.next() })
  }

  @Test func unitNumbers() {
    var source = RandomSource(seed: 3)
    let numbers = (0..<10_000).map { _ in source.nextUnit() }
    #expect(numbers.allSatisfy { (0..<1).contains($0) })
    #expect(abs(numbers.reduce(0, +) / 10_000 - 0.5) < 0.01)
  }
}
