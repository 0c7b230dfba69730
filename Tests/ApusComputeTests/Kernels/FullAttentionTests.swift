import ApusCompute
import Foundation
import Testing

@Suite(.serialized) struct FullAttentionTests {
  /// Numbers between -1 and 1 that look random.
  private static func matrix(rows: Int, columns: Int) -> Matrix {
    var matrix = Matrix(rows: rows, columns: columns)
    for row in 0..<rows {
      matrix.setRow(row, (0..<columns).map { Float(sin(Double(row * 131 + $0 * 71) * 1.7)) })
    }
    return matrix
  }

  @Test(arguments: [1, 4])
  func agreesWithPlainSums(threads: Int) throws {
    let (heads, dimension) = (3, 10)
    let width = heads * dimension
    // Lengths around those of panels and blocks; row 5 belongs to no text.
    let texts = [0..<5, 6..<7, 7..<24, 24..<154]
    let projections = Self.matrix(rows: 154, columns: 3 * width)
    var output = Matrix(rows: 154, columns: width)
    let compute = try Compute(pool: WorkerPool(threadCount: threads))
    compute.attend(
      within: texts, projections: projections, headCount: heads, headDimension: dimension,
      into: &output)
    let inputs = (0..<154).map { projections.row($0).map { Double($0) } }
    for rows in texts {
      for row in rows {
        for head in 0..<heads {
          let expected = Self.attend(inputs, rows, row, head * dimension, dimension, width)
          let found = output.row(row)[head * dimension..<(head + 1) * dimension]
          for (a, b) in zip(found, expected) { #expect(abs(a - Float(b)) < 2e-5) }
        }
      }
    }
    #expect(output.row(5).allSatisfy { $0 == 0 })
  }

  private static func attend(
    _ inputs: [[Double]], _ rows: Range<Int>, _ row: Int, _ column: Int,
    _ dimension: Int, _ width: Int
  ) -> [Double] {
    func part(_ row: Int, _ index: Int) -> [Double] {
      Array(inputs[row][index * width + column..<index * width + column + dimension])
    }
    let query = part(row, 0)
    let weights = rows.map { other in
      let product = zip(query, part(other, 1)).reduce(0) { $0 + $1.0 * $1.1 }
      return exp(product / Double(dimension).squareRoot())
    }
    let sum = weights.reduce(0, +)
    var result = [Double](repeating: 0, count: dimension)
    for (weight, other) in zip(weights, rows) {
      for (index, value) in part(other, 2).enumerated() { result[index] += weight / sum * value }
    }
    return result
  }

  @Test func normalizesRows() throws {
    let compute = try Compute(pool: WorkerPool(threadCount: 2))
    let columns = 37
    var rows = Self.matrix(rows: 20, columns: columns)
    let before = (0..<20).map { rows.row($0).map(Double.init) }
    let weight = (0..<columns).map { 1 + Float($0) / 50 }
    let bias = (0..<columns).map { Float($0) / 9 - 2 }
    compute.normalize(
      &rows, LayerNorm(weight: weight, bias: bias, epsilon: 1e-5), rows: 19)
    for row in 0..<19 {
      let mean = before[row].reduce(0, +) / Double(columns)
      let variance = before[row].reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
      for (index, found) in rows.row(row).enumerated() {
        let expected =
          (before[row][index] - mean) / (variance + 1e-5).squareRoot() * Double(weight[index])
          + Double(bias[index])
        #expect(abs(Double(found) - expected) < 1e-5)
      }
    }
    #expect(rows.row(19).map(Double.init) == before[19])
  }

  @Test func geluIsTheErrorFunctions() throws {
    let compute = try Compute(pool: WorkerPool(threadCount: 1))
    var row = Matrix(rows: 1, columns: 5)
    row.setRow(0, [-3, -0.5, 0, 1, 4])
    compute.transform(&row, .gelu, rows: 1)
    // By Python: 0.5 * x * (1 + math.erf(x / math.sqrt(2)))
    let expected: [Float] = [-0.0040496, -0.1542688, 0, 0.8413447, 3.9998733]
    for (found, wanted) in zip(row.row(0), expected) { #expect(abs(found - wanted) < 1e-6) }
  }
}
