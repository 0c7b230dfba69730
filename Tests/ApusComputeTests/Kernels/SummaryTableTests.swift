import ApusCompute
import ApusCore
import Testing

@Suite(.serialized) struct SummaryTableTests {
  private func rows(_ count: Int, _ dimension: Int, seed: UInt64) -> KeyRows {
    var random = RandomSource(seed: seed)
    var rows = KeyRows(dimension: dimension)
    for _ in 0..<count {
      rows.append((0..<dimension).map { _ in Float(random.nextUnit() * 2 - 1) })
    }
    return rows
  }

  private func product(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Float {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }

  @Test(arguments: [0, 1, 15, 16, 17, 100], [1, 24, 80])
  func multipliesRows(count: Int, width: Int) {
    let rows = rows(count, width, seed: 1)
    let vector = Array(self.rows(1, width, seed: 2)[0])
    var table = SummaryTable(rows)
    #expect(table.count == count)
    let expected = (0..<count).map { product(rows[$0], vector[...]) }
    var scores: [Float] = [3]
    table.scores(vector, into: &scores)
    #expect(scores == expected, "the order of the sums is the same")
    for range in [0..<count, count / 3..<count / 2, count / 2..<count, count..<count] {
      scores = [3]
      table.append(scoresOf: range, with: vector, to: &scores)
      #expect(scores == [3] + expected[range])
    }
    table.removeAll()
    #expect(table.count == 0)
    table.append([2, 3])
    table.scores([10, 1], into: &scores)
    #expect(scores == [23])
  }

  @Test(arguments: [1, 2, 15, 16, 17, 40], [1, 24, 80])
  func findsNearestRows(count: Int, width: Int) {
    let centers = rows(count, width, seed: 3)
    let rows = rows(51, width, seed: 4)
    for members in [[], [7], [4, 3], Array(0..<Int32(51))] as [[Int32]] {
      let labels = SummaryTable(centers).nearest(to: rows, members: members)
      let expected = members.map { member in
        let products = (0..<count).map { product(centers[$0], rows[Int(member)]) }
        return Int32(products.firstIndex(of: products.max()!)!)
      }
      #expect(labels == expected)
    }
  }

  /// Of equal products the first row is taken, where none is a number row 0.
  @Test func nearestOfEquals() {
    var centers = KeyRows(dimension: 2)
    for index in 0..<40 { centers.append(index == 5 || index == 21 ? [2, 0] : [1, 0]) }
    var rows = KeyRows(dimension: 2)
    for row in [[1, 1], [-1, 0], [0, 3], [.nan, 0]] as [[Float]] { rows.append(row) }
    let labels = SummaryTable(centers).nearest(to: rows, members: [0, 1, 2, 3])
    #expect(labels == [5, 0, 0, 0])
  }
}
