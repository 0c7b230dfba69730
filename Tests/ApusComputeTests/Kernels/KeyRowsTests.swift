import ApusCompute
import ApusCore
import Foundation
import Testing

@Suite(.serialized) struct KeyRowsTests {
  private func rows(_ count: Int, _ dimension: Int, seed: UInt64 = 1) -> KeyRows {
    var random = RandomSource(seed: seed)
    var rows = KeyRows(dimension: dimension)
    for _ in 0..<count {
      rows.append((0..<dimension).map { _ in Float(random.nextUnit() * 2 - 1) })
    }
    return rows
  }

  private func difference(_ a: some Sequence<Float>, _ b: some Sequence<Float>) -> Float {
    zip(a, b).map { abs($0 - $1) }.max() ?? 0
  }

  @Test(arguments: KVElement.allCases) func readsKeys(element: KVElement) {
    let arena = KVArena(
      geometry: KVGeometry(
        layerCount: 1, headCount: 2, headDimension: 80, key: element, value: element),
      blockCount: 1)
    let stored = rows(32, 80)
    for token in 0..<32 {
      let key = Array(stored[token])
      arena.store(slot: 1, token: token, key: key, value: key, position: 0)
    }
    var read = KeyRows(dimension: 80)
    read.append(keys: 0..<32, ofSlot: 1, in: arena)
    read.append(keys: 5..<7, ofSlot: 1, in: arena)
    read.append(keys: 9..<9, ofSlot: 1, in: arena)
    #expect(read.count == 34)
    for (row, token) in (Array(0..<32) + [5, 6]).enumerated() {
      #expect(Array(read[row]) == arena.key(slot: 1, token: token))
    }
    read.removeAll()
    #expect(read.count == 0)
  }

  @Test(arguments: [1, 2, 33], [1, 24, 80, 128])
  func sumsRows(count: Int, dimension: Int) {
    let rows = rows(count, dimension)
    let weights = (0..<count).map { Float($0 % 5) - 1 }
    let lists = (0..<count).map { Array(rows[$0]) }
    let components = (0..<dimension).map { d in lists.map { $0[d] } }
    let means = components.map { $0.reduce(0, +) / Float(count) }
    #expect(difference(rows.mean(), means) < 1e-6)
    #expect(difference(rows.mean(of: (0..<Int32(count)).reversed()), means) < 1e-6)
    #expect(rows.mean(of: [Int32(count / 2)]) == Array(rows[count / 2]))
    let sums = components.map { zip($0, weights).reduce(0) { $0 + $1.0 * $1.1 } }
    #expect(difference(rows.sum(weights: weights), sums) < 1e-5)
    let bounds = rows.bounds()
    #expect(bounds.smallest == components.map { $0.min()! })
    #expect(bounds.largest == components.map { $0.max()! })
    let products = rows.products(with: means)
    let squares = rows.squares()
    for row in 0..<count {
      #expect(abs(products[row] - zip(rows[row], means).reduce(0) { $0 + $1.0 * $1.1 }) < 1e-5)
      #expect(abs(squares[row] - rows[row].reduce(0) { $0 + $1 * $1 }) < 1e-4)
    }
  }

  @Test func sumsRowsByLabel() {
    let rows = rows(50, 24)
    let members = stride(from: Int32(49), to: 0, by: -3).map { $0 }
    let labels = members.map { $0 % 4 }
    let weights = (0..<50).map { Float($0) }
    let sums = rows.sums(of: members, labels: labels, weights: weights, count: 5)
    #expect(sums.count == 5)
    #expect(sums[4].allSatisfy { $0 == 0 })
    for label in 0..<4 {
      let masked = (0..<50).map { members.contains(Int32($0)) && $0 % 4 == label ? weights[$0] : 0 }
      #expect(difference(sums[label], rows.sum(weights: masked)) < 1e-4)
    }
  }

  @Test(arguments: [0, 1, 15, 16, 17, 100, 1000])
  func sharesOutAttention(count: Int) {
    var random = RandomSource(seed: 5)
    let scores = (0..<count).map { _ in Float(random.nextUnit() * 200 - 150) }
    let sizes = (0..<count).map { Float(1 + $0 % 3) }
    for (scale, sizes) in [(1, []), (0.1, []), (0.1, sizes)] as [(Float, [Float])] {
      var votes = [Float](repeating: 2, count: count)
      Softmax.add(scores[...], scale: scale, sizes: sizes, to: &votes)
      let powers = scores.map { exp(Double($0 * scale) - 50 * Double(scale)) }
      let sum = powers.indices.reduce(0.0) {
        $0 + powers[$1] * Double(sizes.isEmpty ? 1 : sizes[$1])
      }
      for index in 0..<count {
        #expect(abs(Double(votes[index]) - 2 - powers[index] / sum) < 1e-6)
      }
    }
  }

  /// Small shares are as exact as large ones, down to where they vanish.
  @Test func exponentialsAreExact() {
    let scores = (0..<400).map { -0.21 * Float($0) }
    var votes = [Float](repeating: 0, count: 400)
    Softmax.add(scores[...], to: &votes)
    for index in 0..<400 {
      let expected = exp(Double(scores[index]))
      #expect(abs(Double(votes[index] / votes[0]) / expected - 1) < 1e-5)
    }
  }
}
