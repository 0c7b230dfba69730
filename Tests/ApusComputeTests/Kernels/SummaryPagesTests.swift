import ApusCompute
import ApusCore
import Foundation
import Testing

@Suite struct SummaryPagesTests {
  @Test(arguments: [0, 1, 31, 32, 33, 100], [1, 24, 128, 1024])
  func multipliesRows(count: Int, width: Int) {
    var random = RandomSource(seed: 1)
    // Multiples of 1/64 up to 2, which 16 bits hold; in 8 bits they are rounded, as the vectors are.
    let rows = (0..<count).map { _ in (0..<width).map { _ in Float(random.next() % 256) / 64 - 2 } }
    let vectors = (0..<3 * width).map { _ in Float(random.nextUnit() * 2 - 1) }
    var pages = SummaryPages()
    for row in rows { pages.append(row) }
    #expect(pages.count == count)
    let products = pages.products(with: vectors, scale: 0.5)
    #expect(products.count == 3 * count)
    for (index, product) in products.enumerated() {
      let (vector, row) = (index / count, rows[index % count])
      let expected = row.indices.reduce(0.0) {
        $0 + Double(row[$1]) * Double(vectors[vector * width + $1]) / 2
      }
      let tolerance = width > KVGeometry.largestHeadDimension ? 1e-4 : 0.02
      #expect(abs(Double(product) - expected) < tolerance * Double(width).squareRoot())
    }
  }

  @Test func theHighestOfEachGroup() {
    let scores: [Float] = [3, 1, -.infinity, 2, .nan, 5, 0, -1, -2, -3, -7, -9]
    #expect(
      Softmax.highest(scores[...], ofEach: 1) == scores.map { $0.isNaN ? -.infinity : $0 })
    #expect(Softmax.highest(scores[...], ofEach: 2) == [3, 2, 5, 0, -2, -7])
    #expect(Softmax.highest(scores[4...], ofEach: 4) == [5, -2])
    #expect(Softmax.highest(scores[...], ofEach: 6) == [5, 0])
  }

  @Test(arguments: [1, 15, 16, 33]) func theLargestShareOfAnyVector(count: Int) {
    var random = RandomSource(seed: UInt64(count))
    let scores = (0..<3 * count).map { _ in Float(random.nextUnit() * 40 - 20) }
    let shares = Softmax.largestShares(scores, vectorCount: 3)
    #expect(shares.count == count)
    for index in shares.indices {
      let expected = (0..<3).map { vector in
        let own = scores[vector * count..<(vector + 1) * count].map(Double.init)
        return own[own.startIndex + index] - log(own.reduce(0) { $0 + exp($1) })
      }.max()!
      #expect(abs(Double(shares[index]) - expected) < 1e-4)
    }
    #expect(Softmax.largestShares([], vectorCount: 2).isEmpty)
    // A vector that gives no numbers leaves those of the others.
    #expect(Softmax.largestShares([0, 0, .nan, .nan], vectorCount: 2) == [-log(2), -log(2)])
  }
}
