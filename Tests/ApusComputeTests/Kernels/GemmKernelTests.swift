import ApusCompute
import ApusCore
import CApusKernels
import Testing

/// Matrix products: vector tables have the scalar table's bits, and the scalar table is right.
@Suite(.serialized) struct GemmKernelTests {
  @Test func allQuantizedTypesHaveAKernel() {
    let without = TensorType.allCases.filter { apus_int8_format_of($0.rawValue) < 0 }
    #expect(without == [.f32, .f16, .q8_K, .bf16])
  }

  @Test(arguments: KernelTable.vector, GemmProblem.Kind.all)
  func equalsScalar(_ table: KernelTable, _ kind: GemmProblem.Kind) {
    for seed in 0..<100 as Range<UInt64> {
      let problem = GemmProblem(kind, seed: seed)
      #expect(sameBits(problem.product(table), problem.product(.scalar)), "\(problem)")
    }
  }

  /// Against double precision: within rounding of the sum of magnitudes.
  @Test(arguments: KernelTable.all, GemmProblem.Kind.all)
  func isTheProduct(_ table: KernelTable, _ kind: GemmProblem.Kind) {
    for seed in 0..<20 as Range<UInt64> {
      let problem = GemmProblem(kind, seed: seed, wild: false)
      let difference = zip(problem.product(table), problem.naive()).map { abs(Double($0) - $1) }
      #expect(difference.max()! < 1e-4, "\(problem)")
    }
  }

  /// A row's result does not depend on the rows it is computed with.
  @Test(arguments: KernelTable.all, GemmProblem.Kind.all)
  func rowsAreIndependent(_ table: KernelTable, _ kind: GemmProblem.Kind) {
    for seed in 0..<6 as Range<UInt64> {
      let problem = GemmProblem(kind, seed: seed, rows: 9, wild: false)
      let whole = problem.product(table)
      for row in 0..<9 {
        let range = row * problem.yStride..<(row + 1) * problem.yStride
        let alone = problem.product(table, rows: row..<row + 1)
        #expect(sameBits(Array(alone[range]), Array(whole[range])), "\(problem) row \(row)")
      }
    }
  }

  /// The same for many rows, which are computed with several panels side by side, in parts of k and of the rows.
  @Test(arguments: KernelTable.vector, GemmProblem.Kind.all)
  func manyRowsAreIndependent(_ table: KernelTable, _ kind: GemmProblem.Kind) {
    for rows in [16, 63, 67, 261] {
      let problem = GemmProblem(
        kind, seed: UInt64(rows), rows: rows, k: 768, columns: 60, wild: false)
      let whole = problem.product(table)
      for row in [0, 15, rows / 2, 255, 256, rows - 1] where row < rows {
        let range = row * problem.yStride..<(row + 1) * problem.yStride
        let alone = problem.product(table, rows: row..<row + 1)
        #expect(sameBits(Array(alone[range]), Array(whole[range])), "\(problem) row \(row)")
      }
    }
  }

  /// Sums carried over pieces of k equal one pass.
  @Test(arguments: KernelTable.all)
  func partialSumsContinue(_ table: KernelTable) {
    var random = RandomSource(seed: 5)
    for _ in 0..<30 {
      let (rows, k) = (1 + random.below(9), 2 + random.below(300))
      let x = random.floats(rows * k)
      let panel = random.floats(k * 16)
      let cut = 1 + random.below(k - 1)
      let whole = GuardedFloats([Float](repeating: 0, count: rows * 16))
      let pieces = GuardedFloats([Float](repeating: 7, count: rows * 16))
      x.withUnsafeBufferPointer { x in
        panel.withUnsafeBytes { panel in
          var gemm = apus_gemm()
          gemm.x_stride = k
          (gemm.rows, gemm.columns) = (rows, 16)
          for (target, range, first) in [
            (whole, 0..<k, true), (pieces, 0..<cut, true), (pieces, cut..<k, false),
          ] {
            gemm.x = x.baseAddress! + range.lowerBound
            gemm.w = panel.baseAddress!.assumingMemoryBound(to: UInt8.self) + range.lowerBound * 64
            gemm.k = range.count
            gemm.partial = target.base
            gemm.first = first ? 1 : 0
            table.functions.pointee.gemm_f32(&gemm, 0, 1)
          }
        }
      }
      #expect(sameBits(whole.values, pieces.values))
      #expect(whole.marginsAreIntact && pieces.marginsAreIntact)
    }
  }
}
