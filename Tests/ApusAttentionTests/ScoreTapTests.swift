import ApusAttention
import ApusCompute
import Foundation
import Testing

func exponential(_ x: Double) -> Double { exp(x) }

@Suite(.serialized) struct ScoreTapTests {
  @Test(arguments: [(0, 9), (200, 9), (1100, 3)])
  func massIsTheSoftmax(firstIndex: Int, rows: Int) throws {
    let test = try AttentionCase(tokens: firstIndex + rows, rows: rows, group: 3)
    for chosen in [0..<rows, rows - 2..<rows] {
      var batch = test.batch(rows: 0..<rows, firstIndex: firstIndex)
      batch.taps = [
        ScoreTap(slice: 0, layer: AttentionCase.layer, rows: chosen, kind: .mass),
        ScoreTap(slice: 0, layer: 0, rows: chosen, kind: .mass),
      ]
      let (output, results) = test.attend(batch)
      #expect(results.count == 1, "the other tap belongs to another layer")
      batch.taps = []
      #expect(sameBits(output, test.attend(batch).rows), "observing changes nothing")
      for (head, mass) in try #require(results.first).heads.enumerated() {
        var expected = [Double](repeating: 0, count: firstIndex + rows)
        for row in chosen {
          for member in 0..<3 {
            let weights = test.weights(
              row: row, head: head * 3 + member, keyCount: expected.count
            ) { $0 <= firstIndex + row }
            for key in expected.indices { expected[key] += weights[key] }
          }
        }
        #expect(largestDifference(mass, expected.map { Float($0) }) < 1e-4)
        #expect(abs(mass.reduce(0, +) - Float(chosen.count * 3)) < 1e-3)
      }
    }
  }

  @Test func massRespectsWindowsAndTrees() throws {
    let test = try AttentionCase(tokens: 300, rows: 4, kvHeads: 1, group: 1)
    let tree = TreeMask(parents: [-1, 0, 0, 2])
    var batch = test.batch(rows: 0..<4, firstIndex: 296, tree: tree.rows)
    batch.taps = [ScoreTap(slice: 0, layer: AttentionCase.layer, rows: 3..<4, kind: .mass)]
    let mass = try #require(
      test.attend(batch, layer: test.layer([HeadRange(sinks: 2, window: 50)])).taps.first
    ).heads[0]
    #expect(mass[297] == 0, "a sibling")
    #expect(mass[2..<200].allSatisfy { $0 == 0 }, "before the window")
    #expect(mass[0] > 0 && mass[296] > 0 && mass[298] > 0 && mass[299] > 0)
    #expect(abs(mass.reduce(0, +) - 1) < 1e-5)
  }

  @Test func rawScores() throws {
    let test = try AttentionCase(tokens: 100, rows: 4)
    var batch = test.batch(rows: 0..<4, firstIndex: 96)
    batch.taps = [ScoreTap(slice: 0, layer: AttentionCase.layer, rows: 0..<3, kind: .rawScores)]
    let result = try #require(test.attend(batch).taps.first)
    #expect(result.heads.count == 4)
    for head in 0..<4 {
      let q = Array(test.queries.row(2)[head * 16..<head * 16 + 16])
      let expected = (0..<100).map { key in
        Float(
          zip(q, test.keys[head / 2][key]).reduce(0) { $0 + Double($1.0) * Double($1.1) } / 4)
      }
      #expect(largestDifference(result.heads[head], expected) < 1e-5)
    }
  }
}
