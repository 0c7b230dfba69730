import ApusCore
import CApusKernels
import Foundation

func apusLog(_ x: Float) -> Float { logf(x) }

extension Compute {
  /// Attention mass per key of one KV head, summed over the query vectors of rows `rows` of the slice; the matrix of
  /// scores is never stored. Returns [keyCount].
  public func attentionMass(
    queries: borrowing Matrix, slice: AttentionSlice, rows: Range<Int>, layer: AttentionLayer,
    head: Int, arena: KVArena
  ) -> [Float] {
    let table = kernels.table
    let group = layer.headCount / arena.geometry.headCount
    var mass = [Float](repeating: 0, count: slice.keyCount)
    let source = UnsafePointer(queries.base)
    let stride = queries.columns
    let padded = arena.geometry.paddedDimension
    mass.withUnsafeMutableBufferPointer { mass in
      slice.withDescriptor(
        queries: source, stride: stride, layer: layer, head: head, arena: arena,
        pairs: multipliesPairs
      ) { descriptor in
        for vector in rows.lowerBound * group..<rows.upperBound * group {
          table.attendWhole(
            descriptor, vectors: vector..<vector + 1, splits: slice.splitCount,
            pageCount: slice.pageCount, padded: padded
          ) { _, maximum, sum in
            table.pointee.tap(
              descriptor, vector, mass.count, maximum.pointee, sum.pointee, mass.baseAddress)
          }
        }
      }
    }
    return mass
  }

  /// Scaled q·k of one query vector (row * group + query head of the group) with every key: [keyCount].
  public func rawScores(
    queries: borrowing Matrix, slice: AttentionSlice, vector: Int, layer: AttentionLayer,
    head: Int, arena: KVArena
  ) -> [Float] {
    let table = kernels.table
    var scores = [Float](repeating: 0, count: slice.keyCount)
    let source = UnsafePointer(queries.base)
    let stride = queries.columns
    scores.withUnsafeMutableBufferPointer { scores in
      slice.withDescriptor(
        queries: source, stride: stride, layer: layer, head: head, arena: arena,
        pairs: multipliesPairs
      ) { descriptor in
        table.pointee.raw_scores(descriptor, vector, scores.count, scores.baseAddress)
      }
    }
    return scores
  }
}
