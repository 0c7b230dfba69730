import ApusCore
import ApusEvaluation
import Testing

@Suite struct ArrivalsTests {
  /// A gamma distribution of shape B and mean m has the variance m²/B.
  @Test(arguments: [0.25, 0.5, 1, 2, 8])
  func intervalsHaveTheirMoments(shape: Double) {
    var source = RandomSource(seed: 11)
    let distribution = GammaDistribution(shape: shape, mean: 0.2)
    let values = (0..<200_000).map { _ in distribution.next(using: &source) }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance =
      values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    #expect(abs(mean / 0.2 - 1) < 0.02, "mean \(mean)")
    #expect(abs(variance / (0.04 / shape) - 1) < 0.05, "variance \(variance)")
    #expect(values.allSatisfy { $0 > 0 })
  }

  /// With shape 1 they are exponential: the share above the mean is 1/e.
  @Test func shapeOneIsExponential() {
    var source = RandomSource(seed: 12)
    let distribution = GammaDistribution(shape: 1, mean: 1)
    let above = (0..<100_000).count { _ in distribution.next(using: &source) > 1 }
    #expect(abs(Double(above) / 100_000 - 0.367_879) < 0.005)
  }

  @Test func rateIsMet() throws {
    var source = RandomSource(seed: 1)
    let times = Arrivals(rate: 4, burstiness: 0.5).times(count: 100, using: &source)
    #expect(times.count == 100)
    #expect(abs(try #require(times.last) - 25) < 1e-9)
    #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
    var again = RandomSource(seed: 1)
    #expect(times == Arrivals(rate: 4, burstiness: 0.5).times(count: 100, using: &again))
  }

  @Test func allAtOnce() {
    var source = RandomSource(seed: 1)
    #expect(Arrivals().times(count: 3, using: &source) == [0, 0, 0])
  }

  @Test func tracesKeepTheirShape() {
    #expect(Arrivals().times(of: [5, 6, 9]) == [0, 1, 4])
    let stretched = Arrivals(rate: 0.5).times(of: [5, 6, 9])
    #expect(stretched == [0, 1.5, 6])
  }
}
