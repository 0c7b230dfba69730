/// Rows of floats, such as what stands for each page of keys, to be multiplied by one vector.
///
/// Sixteen rows stand side by side, so that one instruction takes a number of each.
public struct SummaryTable: Sendable {
  static let lanes = 16
  public private(set) var count = 0
  /// Numbers of a row; known when there is one.
  private(set) var width = 0
  /// [rows / 16][width], each a number of 16 rows
  private(set) var panels: [SIMD16<Float>] = []

  public init() {}

  /// The rows of `rows`.
  package init(_ rows: KeyRows) {
    for row in 0..<rows.count { append(Array(rows[row])) }
  }

  /// Forgets the rows and keeps the memory.
  public mutating func removeAll() {
    count = 0
    panels.removeAll(keepingCapacity: true)
  }

  /// Adds a row; all rows have as many numbers.
  public mutating func append(_ row: [Float]) {
    if count == 0 { width = row.count }
    precondition(row.count == width, "a row of \(row.count) numbers among those of \(width)")
    let lane = count % Self.lanes
    if lane == 0 { panels.append(contentsOf: repeatElement(.zero, count: width)) }
    let start = count / Self.lanes * width
    for index in 0..<width { panels[start + index][lane] = row[index] }
    count += 1
  }

  /// The product of each row with `vector`.
  public func scores(_ vector: [Float], into scores: inout [Float]) {
    scores.removeAll(keepingCapacity: true)
    append(scoresOf: 0..<count, with: vector, to: &scores)
  }

  /// Adds the products of some rows with `vector` to the end of `scores`.
  package func append(
    scoresOf rows: Range<Int>, with vector: [Float], to scores: inout [Float]
  ) {
    guard !rows.isEmpty else { return }
    precondition(vector.count == width, "\(vector.count) numbers for rows of \(width)")
    precondition(rows.lowerBound >= 0 && rows.upperBound <= count, "rows outside of the table")
    scores.reserveCapacity(scores.count + rows.count)
    for panel in rows.lowerBound / Self.lanes...(rows.upperBound - 1) / Self.lanes {
      var sum = SIMD16<Float>(repeating: 0)
      panels.withUnsafeBufferPointer { panels in
        let numbers = panels.baseAddress! + panel * width
        for index in 0..<width { sum += numbers[index] * vector[index] }
      }
      let first = panel * Self.lanes
      for row in max(rows.lowerBound, first)..<min(rows.upperBound, first + Self.lanes) {
        scores.append(sum[row - first])
      }
    }
  }

  /// For each of the rows of `rows` that `members` lists, the row of the table that makes the
  /// largest product with it, of several the first.
  package func nearest(to rows: KeyRows, members: [Int32]) -> [Int32] {
    precondition(count > 0 && rows.dimension == width, "a table of other rows")
    precondition(members.allSatisfy { $0 >= 0 && Int($0) < rows.count }, "row outside of the rows")
    return [Int32](unsafeUninitializedCapacity: members.count) { labels, labelCount in
      labelCount = members.count
      rows.numbers.withUnsafeBufferPointer { numbers in
        panels.withUnsafeBufferPointer { panels in
          // Two rows at a time; the last of an odd number stands for two.
          for index in stride(from: 0, to: members.count, by: 2) {
            let other = min(index + 1, members.count - 1)
            let nearest = nearest(
              to: numbers.baseAddress! + Int(members[index]) * width,
              and: numbers.baseAddress! + Int(members[other]) * width, panels.baseAddress!)
            labels[index] = nearest.0
            labels[other] = nearest.1
          }
        }
      }
    }
  }

  private func nearest(
    to a: UnsafePointer<Float>, and b: UnsafePointer<Float>, _ panels: UnsafePointer<SIMD16<Float>>
  ) -> (Int32, Int32) {
    var (bestOfA, bestOfB) = (Best(), Best())
    for panel in 0..<(count + Self.lanes - 1) / Self.lanes {
      var (sumOfA, sumOfB) = (SIMD16<Float>(repeating: 0), SIMD16<Float>(repeating: 0))
      let numbers = panels + panel * width
      for index in 0..<width {
        sumOfA += numbers[index] * a[index]
        sumOfB += numbers[index] * b[index]
      }
      bestOfA.take(sumOfA, panel: panel, of: count)
      bestOfB.take(sumOfB, panel: panel, of: count)
    }
    return (bestOfA.row, bestOfB.row)
  }

  /// The largest product of each lane and the panel it came from.
  private struct Best {
    private static let laneNumbers = SIMD16<Int32>(
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    private var products = SIMD16<Float>(repeating: -.infinity)
    private var panels = SIMD16<Int32>(repeating: 0)

    @inline(__always)
    mutating func take(_ sums: SIMD16<Float>, panel: Int, of count: Int) {
      var sums = sums
      let rest = count - panel * SummaryTable.lanes
      if rest < SummaryTable.lanes {
        sums.replace(with: -.infinity, where: Self.laneNumbers .>= Int32(rest))
      }
      let better = sums .> products
      products.replace(with: sums, where: better)
      panels.replace(with: Int32(panel), where: better)
    }

    /// Row 0 where no product is a number.
    var row: Int32 {
      let highest = products.max()
      guard highest > -.infinity else { return 0 }
      let rows = panels &* Int32(SummaryTable.lanes) &+ Self.laneNumbers
      return SIMD16(repeating: Int32.max).replacing(with: rows, where: products .== highest).min()
    }
  }
}
