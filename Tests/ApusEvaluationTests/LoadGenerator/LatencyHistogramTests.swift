import ApusCore
import ApusEvaluation
import Testing

@Suite struct LatencyHistogramTests {
  /// From a microsecond to ten hours, in nanoseconds.
  @Test func errorIsBelowAThousandth() {
    var value = 1000.0
    while value < 36_000e9 {
      let recorded = UInt64(value)
      let bucket = LatencyHistogram.index(of: recorded)
      let error = abs(LatencyHistogram.middle(ofBucket: bucket) - Double(recorded)) / value
      #expect(error <= 0.001, "\(recorded): \(error)")
      value *= 1.0007
    }
  }

  @Test func bucketsFollowOneAnother() {
    var last = LatencyHistogram.index(of: 0)
    #expect(last == 0)
    for value in 1..<UInt64(1 << 16) {
      let index = LatencyHistogram.index(of: value)
      #expect(index == last || index == last + 1)
      last = index
    }
    for exponent in 11..<63 {
      let power = UInt64(1) << UInt64(exponent)
      #expect(LatencyHistogram.index(of: power) == LatencyHistogram.index(of: power - 1) + 1)
    }
  }

  /// The figures that `numpy.percentile`, `mean` and `std` give for these numbers.
  @Test func percentilesAreInterpolated() {
    var histogram = LatencyHistogram()
    for value: Int64 in [700, 100, 400, 200] { histogram.record(value) }
    #expect(histogram.percentile(0) == 100)
    #expect(histogram.percentile(50) == 300)
    #expect(abs(histogram.percentile(90) - 610) < 1e-9)
    #expect(histogram.percentile(100) == 700)
    #expect(histogram.mean == 350)
    #expect(abs(histogram.deviation - 229.128_784_747_792) < 1e-9)
  }

  @Test func manyTimes() {
    var source = RandomSource(seed: 5)
    let values = (0..<20_000).map { _ in Int64(source.nextUnit() * 5e9) }
    var histogram = LatencyHistogram()
    for value in values { histogram.record(value) }
    let sorted = values.sorted()
    for percent in [1.0, 50, 90, 99, 99.9] {
      let rank = percent / 100 * Double(sorted.count - 1)
      let (low, high) = (Double(sorted[Int(rank)]), Double(sorted[Int(rank) + 1]))
      let exact = low + (rank - rank.rounded(.down)) * (high - low)
      #expect(abs(histogram.percentile(percent) - exact) / exact <= 0.001, "\(percent)")
    }
    #expect(histogram.maximum == Double(sorted[sorted.count - 1]))
  }

  @Test func nothingRecorded() {
    let histogram = LatencyHistogram()
    #expect(histogram.percentile(99) == 0)
    #expect(histogram.deviation == 0)
  }
}
