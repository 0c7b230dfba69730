import ApusCore
import CApusKernels
import Foundation
import Testing

func exponential(_ x: Double) -> Double { exp(x) }
func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }

/// Attention kernels: vector tables have the scalar table's bits, and the scalar table is right.
@Suite(.serialized) struct AttentionKernelTests {
  /// A random shape; every combination of formats comes up.
  private func shape(_ seed: UInt64, _ table: KernelTable) -> AttentionProblem.Shape {
    var random = RandomSource(seed: seed &* 91 &+ 5)
    var shape = AttentionProblem.Shape()
    shape.headDimension = AttentionProblem.headDimensions[random.below(9)]
    shape.group = 1 + random.below(7)
    shape.rows = 1 + random.below(9)
    shape.firstIndex = random.below(3) == 0 ? 0 : random.below(150)
    shape.keyType = Int(seed % 5)
    shape.valueType = Int(seed / 5 % 5)
    if random.below(3) == 0 {
      shape.window = 1 + random.below(80)
      shape.sinks = random.below(3) * random.below(40)
    }
    if random.below(3) == 0 {
      var rows: [UInt64] = []
      for index in 0..<shape.rows {
        let parent = random.below(index + 1) - 1
        rows.append((parent < 0 ? 0 : rows[parent]) | 1 << UInt64(index))
      }
      shape.tree = rows
    }
    if random.below(4) == 0 { shape.softcap = 5 }
    if random.below(2) == 0 { shape.halves = table.functions.pointee.halves }
    return shape
  }

  private func expectSame(
    _ a: AttentionProblem.Partial, _ b: AttentionProblem.Partial, _ comment: String
  ) {
    #expect(sameBits(a.output, b.output), "output, \(comment)")
    #expect(sameBits(a.sum, b.sum), "sum, \(comment)")
    for (index, sum) in a.sum.enumerated() where !sum.isNaN {
      #expect(sameBits([a.maximum[index]], [b.maximum[index]]), "maximum, \(comment)")
    }
  }

  @Test(arguments: KernelTable.vector)
  func attendEqualsScalar(_ table: KernelTable) {
    for seed in 0..<180 as Range<UInt64> {
      let problem = AttentionProblem(shape(seed, table), seed: seed)
      expectSame(problem.attend(table), problem.attend(.scalar), "\(problem)")
    }
  }

  @Test(arguments: KernelTable.vector)
  func attendEqualsScalarOnWildNumbers(_ table: KernelTable) {
    for seed in 0..<90 as Range<UInt64> {
      var shape = shape(seed, table)
      shape.wild = true
      let problem = AttentionProblem(shape, seed: seed)
      expectSame(problem.attend(table), problem.attend(.scalar), "\(problem)")
    }
  }

  @Test(arguments: KernelTable.all)
  func attendIsSoftmax(_ table: KernelTable) {
    for seed in 0..<60 as Range<UInt64> {
      let problem = AttentionProblem(shape(seed, table), seed: seed)
      let result = problem.attend(table)
      for vector in 0..<problem.vectorCount {
        let (expected, _, tolerance) = problem.naive(vector: vector)
        for (d, value) in expected.enumerated() {
          let own = result.output[vector * problem.shape.padded + d] / result.sum[vector]
          #expect(abs(Double(own) - value) < tolerance[d], "\(problem)")
        }
      }
    }
  }

  /// One vector at a time gives the bits of all together: tiles change nothing.
  @Test(arguments: KernelTable.all)
  func vectorsAreIndependent(_ table: KernelTable) {
    for seed in 0..<60 as Range<UInt64> {
      let problem = AttentionProblem(shape(seed, table), seed: seed)
      let whole = problem.attend(table)
      let padded = problem.shape.padded
      for vector in 0..<problem.vectorCount {
        let alone = problem.attend(table, vectors: vector..<vector + 1)
        #expect(
          sameBits(alone.output, Array(whole.output[vector * padded..<(vector + 1) * padded]))
            && sameBits(alone.sum, [whole.sum[vector]]), "vector \(vector) of \(problem)")
      }
    }
  }

  /// Partials over disjoint pages merge to the whole, whatever the cut and the order.
  @Test(arguments: KernelTable.all)
  func partialsMerge(_ table: KernelTable) {
    for seed in 0..<60 as Range<UInt64> {
      var shape = shape(seed, table)
      shape.firstIndex += 200
      let problem = AttentionProblem(shape, seed: seed)
      var random = RandomSource(seed: seed)
      for vector in [0, problem.vectorCount - 1] {
        let range = vector..<vector + 1
        let parts = (0..<problem.pageCount).map {
          problem.attend(table, vectors: range, pages: $0..<$0 + 1)
        }.shuffled(using: &random)
        var merged = parts[0]
        for part in parts.dropFirst() { AttentionProblem.merge(table, &merged, part) }
        let whole = problem.attend(table, vectors: range)
        for (d, tolerance) in problem.naive(vector: vector).tolerance.enumerated() {
          let difference = merged.output[d] / merged.sum[0] - whole.output[d] / whole.sum[0]
          #expect(abs(Double(difference)) < 2 * tolerance)
        }
        let lengths = [merged, whole].map { $0.maximum[0] + log($0.sum[0]) }
        #expect(abs(lengths[0] - lengths[1]) < 1e-5)
      }
    }
  }

  @Test(arguments: KernelTable.vector)
  func mergeEqualsScalar(_ table: KernelTable) {
    for seed in 0..<60 as Range<UInt64> {
      var shape = shape(seed, table)
      shape.firstIndex += 100
      let problem = AttentionProblem(shape, seed: seed)
      let cut = problem.pageCount / 2
      let results = [KernelTable.scalar, table].map { table in
        var a = problem.attend(table, vectors: 0..<1, pages: 0..<cut)
        AttentionProblem.merge(
          table, &a, problem.attend(table, vectors: 0..<1, pages: cut..<problem.pageCount))
        return a
      }
      expectSame(results[0], results[1], "\(problem)")
    }
  }

  @Test(arguments: KernelTable.all)
  func mergingNothingChangesNothing(_ table: KernelTable) {
    let problem = AttentionProblem(.init(rows: 1, firstIndex: 70), seed: 1)
    let whole = problem.attend(table)
    let nothing = problem.attend(table, pages: 0..<0)
    #expect(nothing.sum == [0] && nothing.maximum == [-.infinity])
    var (a, b, c) = (whole, nothing, nothing)
    AttentionProblem.merge(table, &a, nothing)
    AttentionProblem.merge(table, &b, whole)
    AttentionProblem.merge(table, &c, nothing)
    expectSame(a, whole, "whole and nothing")
    expectSame(b, whole, "nothing and whole")
    expectSame(c, nothing, "nothing and nothing")
  }

  @Test(arguments: KernelTable.all)
  func tapAndRawScores(_ table: KernelTable) {
    for seed in 0..<60 as Range<UInt64> {
      let problem = AttentionProblem(shape(seed, table), seed: seed)
      let count = problem.shape.keyCount
      for vector in [0, problem.vectorCount - 1] {
        let results = [KernelTable.scalar, table].map { table in
          problem.withDescriptor { descriptor in
            let (mass, raw) = (
              GuardedFloats([Float](repeating: 0, count: problem.pageCount * 32)),
              GuardedFloats([Float](repeating: 0, count: count))
            )
            table.functions.pointee.tap(
              descriptor, vector, vector + 1, problem.pageCount, mass.base)
            table.functions.pointee.raw_scores(
              descriptor, vector, vector + 1, count, raw.base)
            #expect(mass.marginsAreIntact && raw.marginsAreIntact)
            return (mass.values, raw.values)
          }
        }
        #expect(sameBits(results[0].1, results[1].1))
        for (a, b) in zip(results[0].0, results[1].0) { #expect(abs(a - b) < 1e-5) }
        let weights = problem.naive(vector: vector).weights
        let tolerance = problem.scoreTolerance(vector: vector)
        for (a, b) in zip(results[1].0, weights) {
          #expect(abs(Double(a) - b) < 1e-5 + 2.5 * tolerance * b)
        }
        for key in 0..<count where problem.shape.softcap == 0 {
          let dot = zip(problem.query(vector), problem.key(key)).reduce(0) {
            $0 + Double($1.0) * Double($1.1)
          }
          #expect(abs(Double(results[1].1[key]) - dot * Double(problem.scale)) < 1e-4 + tolerance)
        }
      }
    }
  }
}
