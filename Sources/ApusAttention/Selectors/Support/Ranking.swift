/// The groups of keys with the highest scores that fit in a budget, found by splitting around
/// pivots instead of sorting.
///
/// Of equal scores the first group comes first; one that is no number comes last.
package struct Ranking {
  /// In no order.
  package let chosen: [Int32]
  /// The best of those left out, which did not fit.
  package let next: Int32?

  /// Chooses among `range` until the next group would be beyond `limit`; `size` is that of a group.
  package init(
    _ scores: [Float], in range: Range<Int>, limit: Int, size: (Int) -> Int = { _ in 1 }
  ) {
    var entries = range.map { Self.entry($0, score: scores[$0]) }
    // Entries below `low` fit in; `rest` is left for those from there to `high`, which do not.
    var (low, high, rest) = (0, entries.count, limit)
    while low < high {
      let pivot = Self.partition(&entries, low..<high)
      var upper = 0
      for index in low..<pivot { upper += size(Self.group(entries[index])) }
      if upper > rest {
        high = pivot
        continue
      }
      rest -= upper
      low = pivot
      let group = Self.group(entries[pivot])
      if size(group) > rest {
        chosen = entries[..<low].map { Int32(Self.group($0)) }
        next = Int32(group)
        return
      }
      rest -= size(group)
      low += 1
    }
    chosen = entries.map { Int32(Self.group($0)) }
    next = nil
  }

  /// A number for each group, no two the same: the score's bits in the order of their values above
  /// the complement of the index.
  private static func entry(_ group: Int, score: Float) -> Int64 {
    // Adding zero makes -0 the same as 0.
    let bits = score.isNaN ? Int32.min : Int32(bitPattern: (score + 0).bitPattern)
    let order = bits < 0 && !score.isNaN ? bits ^ Int32.max : bits
    return Int64(order) << 32 | Int64(UInt32.max - UInt32(group))
  }

  private static func group(_ entry: Int64) -> Int {
    Int(UInt32.max - UInt32(truncatingIfNeeded: entry))
  }

  /// Moves entries above a pivot before it and those below behind it; returns its place.
  private static func partition(_ entries: inout [Int64], _ range: Range<Int>) -> Int {
    let (first, middle) = (range.lowerBound, range.lowerBound + range.count / 2)
    let last = range.upperBound - 1
    let (a, b, c) = (entries[first], entries[middle], entries[last])
    // The one between the two others.
    if (b > a) != (b > c) {
      entries.swapAt(middle, last)
    } else if (a > b) != (a > c) {
      entries.swapAt(first, last)
    }
    let pivot = entries[last]
    var place = range.lowerBound
    for index in range.lowerBound..<last where entries[index] > pivot {
      entries.swapAt(index, place)
      place += 1
    }
    entries.swapAt(place, last)
    return place
  }
}
