/// A norm over each row with a weight and a bias (arXiv:1607.06450).
public struct LayerNorm: Sendable {
  public let weight: [Float]
  public let bias: [Float]
  public let epsilon: Float

  public init(weight: [Float], bias: [Float], epsilon: Float) {
    precondition(weight.count == bias.count, "\(bias.count) biases for \(weight.count) weights")
    self.weight = weight
    self.bias = bias
    self.epsilon = epsilon
  }
}

extension Compute {
  /// Normalises the first `rows` rows where they stand: (x - mean) / sqrt(variance + epsilon) * weight + bias.
  public func normalize(_ matrix: inout Matrix, _ norm: LayerNorm, rows: Int) {
    precondition(rows <= matrix.rows && norm.weight.count == matrix.columns)
    let (base, columns) = (matrix.base, matrix.columns)
    pool.rows(rows, of: columns) { _, range in
      norm.weight.withUnsafeBufferPointer { weight in
        norm.bias.withUnsafeBufferPointer { bias in
          for row in range {
            Self.normalize(
              base + row * columns, count: columns, weight: weight.baseAddress!,
              bias: bias.baseAddress!, epsilon: norm.epsilon)
          }
        }
      }
    }
  }

  private static func normalize(
    _ row: UnsafeMutablePointer<Float>, count: Int, weight: UnsafePointer<Float>,
    bias: UnsafePointer<Float>, epsilon: Float
  ) {
    let mean = sum(row, count) { $0 } / Float(count)
    let variance = sum(row, count) { ($0 - mean) * ($0 - mean) } / Float(count)
    let inverse = 1 / (variance + epsilon).squareRoot()
    for index in 0..<count {
      row[index] = (row[index] - mean) * inverse * weight[index] + bias[index]
    }
  }

  /// The sum of a function of the numbers, in sixteen lanes.
  @inline(__always)
  private static func sum(
    _ row: UnsafePointer<Float>, _ count: Int, _ value: (SIMD16<Float>) -> SIMD16<Float>
  ) -> Float {
    let bytes = UnsafeRawPointer(row)
    let whole = count / 16 * 16
    var sums = SIMD16<Float>(repeating: 0)
    for index in stride(from: 0, to: whole, by: 16) {
      sums += value(bytes.loadUnaligned(fromByteOffset: index * 4, as: SIMD16<Float>.self))
    }
    var total = sums.sum()
    for index in whole..<count { total += value(SIMD16(repeating: row[index]))[0] }
    return total
  }
}
