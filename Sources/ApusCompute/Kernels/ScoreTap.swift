import ApusCore
import CApusKernels
import Foundation

func apusLog(_ x: Float) -> Float { logf(x) }

extension Compute {
  /// Query vectors whose attention one thread observes at a time.
  private static let tapTile = 64

  /// Attention mass per key of each KV head, summed over the query vectors of rows `rows` of the slice; the matrix of
  /// scores is never stored. Returns [KV heads][keys of the head].
  public func attentionMass(
    queries: borrowing Matrix, slice: AttentionSlice, rows: Range<Int>, layer: AttentionLayer,
    arena: KVArena
  ) -> [[Float]] {
    let heads = arena.geometry.headCount
    let group = layer.headCount / heads
    let vectors = rows.lowerBound * group..<rows.upperBound * group
    let tiles = (vectors.count + Self.tapTile - 1) / Self.tapTile
    let pages = (0..<heads).map { slice.pageCount(layer: layer.layer, head: $0) }
    let width = (pages.max() ?? 0) * KVGeometry.pageSize
    let masses = Buffer<Float>(count: heads * tiles * width)
    let (table, base, stride) = (kernels.table, masses.base, queries.columns)
    let source = UnsafePointer(queries.base)
    pool.run(heads * tiles) { item in
      let (head, begin) = (item / tiles, vectors.lowerBound + item % tiles * Self.tapTile)
      slice.withDescriptor(
        queries: source, stride: stride, layer: layer, head: head, arena: arena,
        halves: halves
      ) {
        table.pointee.tap(
          $0, begin, min(begin + Self.tapTile, vectors.upperBound), pages[head], base + item * width
        )
      }
    }
    return (0..<heads).map { head in
      (0..<slice.keyCount(layer: layer.layer, head: head)).map { key in
        // In the order of the rows, whoever computed them.
        (0..<tiles).reduce(0) { $0 + base[(head * tiles + $1) * width + key] }
      }
    }
  }

  /// Scaled q·k of one query vector (row * group + query head of the group) with every key: [keys].
  public func rawScores(
    queries: borrowing Matrix, slice: AttentionSlice, vector: Int, layer: AttentionLayer,
    head: Int, arena: KVArena
  ) -> [Float] {
    let table = kernels.table
    var scores = [Float](repeating: 0, count: slice.keyCount(layer: layer.layer, head: head))
    let source = UnsafePointer(queries.base)
    let stride = queries.columns
    scores.withUnsafeMutableBufferPointer { scores in
      slice.withDescriptor(
        queries: source, stride: stride, layer: layer, head: head, arena: arena,
        halves: halves
      ) { descriptor in
        table.pointee.raw_scores(
          descriptor, vector, vector + 1, scores.count, scores.baseAddress)
      }
    }
    return scores
  }

  /// Scaled q·k of the query vectors of one row and KV head with the first `count` keys of `slots`: [vectors * count].
  public func rawScores(
    vectors: [Float], slots: [Int32], count: Int, layer: AttentionLayer, head: Int, arena: KVArena
  ) -> [Float] {
    let (table, group) = (kernels.table, layer.headCount / arena.geometry.headCount)
    precondition(vectors.count == group * arena.geometry.headDimension)
    var view = KeyView()
    view.slots = slots
    return [Float](unsafeUninitializedCapacity: group * count) { scores, initialized in
      vectors.withUnsafeBufferPointer { vectors in
        view.withDescriptor(
          layer.descriptor(
            query: vectors.baseAddress!, stride: 0, head: head, arena: arena,
            halves: halves),
          pageCount: KVGeometry.pageCount(count)
        ) { table.pointee.raw_scores($0, 0, group, count, scores.baseAddress) }
      }
      initialized = group * count
    }
  }
}
