import ApusCompute
import ApusCore

/// Groups rows by their directions: k-means on the unit sphere, in few rounds from seeded starts.
package struct KMeans {
  private let rows: KeyRows
  /// One by the length of each row.
  private let weights: [Float]
  private var random: RandomSource

  private static let rounds = 3
  /// Rows that one center learns from in a round; more say little more.
  private static let sample = 32

  package init(_ rows: KeyRows, seed: UInt64) {
    self.rows = rows
    random = RandomSource(seed: seed)
    weights = rows.squares().map { $0 > 0 ? 1 / $0.squareRoot() : 0 }
  }

  /// Groups of `members`, which ascend, with `size` of them on average; what is larger than
  /// `largest` is cut in the order of the text.
  package mutating func split(_ members: [Int32], size: Int, largest: Int) -> [[Int32]] {
    let count = (members.count + size - 1) / size
    var groups = [[Int32]](repeating: [], count: count)
    if count > 1 {
      let labels = SummaryTable(centers(of: members, count: count))
        .nearest(to: rows, members: members)
      for (member, label) in zip(members, labels) { groups[Int(label)].append(member) }
    } else {
      groups = [members]
    }
    return groups.flatMap { group in
      stride(from: 0, to: group.count, by: largest).map {
        Array(group[$0..<min($0 + largest, group.count)])
      }
    }
  }

  private mutating func centers(of members: [Int32], count: Int) -> KeyRows {
    // One row of each of as many stretches of the text.
    var centers = KeyRows(dimension: rows.dimension)
    for index in 0..<count {
      let start = index * members.count / count
      let length = (index + 1) * members.count / count - start
      let row = Int(members[start + Int(random.nextUnit() * Double(length))])
      centers.append(rows[row].map { $0 * weights[row] })
    }
    let step = max(members.count / (Self.sample * count), 1)
    let sample = stride(from: 0, to: members.count, by: step).map { members[$0] }
    for _ in 0..<Self.rounds {
      let labels = SummaryTable(centers).nearest(to: rows, members: sample)
      let sums = rows.sums(of: sample, labels: labels, weights: weights, count: count)
      let squares = sums.squares()
      var next = KeyRows(dimension: rows.dimension)
      for index in 0..<count {
        // A center that nothing is near to stays.
        let factor = squares[index] > 0 ? 1 / squares[index].squareRoot() : 0
        next.append(factor > 0 ? sums[index].map { $0 * factor } : Array(centers[index]))
      }
      centers = next
    }
    return centers
  }
}
