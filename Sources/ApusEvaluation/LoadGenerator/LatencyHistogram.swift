/// Counts of times in buckets that widen with the time, laid out as HdrHistogram's (http://hdrhistogram.org).
///
/// Times are nanoseconds. Up to 2047 they are exact; what comes back of a greater one is the middle of its bucket, at
/// most 0.05 % away.
package struct LatencyHistogram: Sendable {
  /// Each power of two has 2^10 buckets.
  private static let precision = 10

  private var counts: [UInt64] = []
  package private(set) var count = 0
  package private(set) var mean = 0.0
  package private(set) var minimum = 0.0
  package private(set) var maximum = 0.0
  /// Welford's sum of squared distances from the mean, which does not cancel as a sum of squares does.
  private var squares = 0.0

  package init() {}

  /// The standard deviation of the times recorded, as of a whole population.
  package var deviation: Double {
    count > 0 ? (squares / Double(count)).squareRoot() : 0
  }

  /// Counts a time; a negative one counts as 0.
  package mutating func record(_ nanoseconds: Int64) {
    let value = UInt64(max(0, nanoseconds))
    let index = Self.index(of: value)
    if index >= counts.count {
      counts.append(contentsOf: repeatElement(0, count: index + 1 - counts.count))
    }
    counts[index] += 1
    let time = Double(value)
    minimum = count == 0 ? time : min(minimum, time)
    maximum = max(maximum, time)
    count += 1
    let distance = time - mean
    mean += distance / Double(count)
    squares += distance * (time - mean)
  }

  /// The time below which `percent` of the times lie, interpolated between ranks as NumPy does; 0 when there is none.
  package func percentile(_ percent: Double) -> Double {
    guard count > 0 else { return 0 }
    let rank = min(100, max(0, percent)) / 100 * Double(count - 1)
    let lower = Int(rank)
    let low = value(atRank: lower)
    let fraction = rank - Double(lower)
    guard fraction > 0 else { return low }
    return low + fraction * (value(atRank: lower + 1) - low)
  }

  /// The time that `rank` others do not exceed.
  private func value(atRank rank: Int) -> Double {
    if rank >= count - 1 { return maximum }
    if rank == 0 { return minimum }
    var seen = 0
    for (index, number) in counts.enumerated() where number > 0 {
      seen += Int(number)
      if seen > rank { return min(maximum, max(minimum, Self.middle(ofBucket: index))) }
    }
    return maximum
  }

  package static func index(of value: UInt64) -> Int {
    let highest = UInt64.bitWidth - 1 - max(1, value).leadingZeroBitCount
    let shift = max(0, highest - precision)
    return shift << precision + Int(value >> UInt64(shift))
  }

  package static func middle(ofBucket index: Int) -> Double {
    let shift = max(0, index >> precision - 1)
    let lowest = UInt64(index - shift << precision) << UInt64(shift)
    return Double(lowest) + Double(UInt64(1) << UInt64(shift) - 1) / 2
  }
}
