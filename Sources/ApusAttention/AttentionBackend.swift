import ApusCompute
import ApusKV

/// Computes the attention of one layer for a batch whose keys and values are already stored.
public protocol AttentionBackend: AnyObject {
  /// Called once a step, before the first layer.
  func prepare(_ batch: ForwardBatch, layer: AttentionLayer)

  /// output[rows, heads * headDimension] from queries[rows, …], which start at column 0.
  func attend(
    _ batch: ForwardBatch, queries: borrowing Matrix, layer: AttentionLayer,
    into output: inout Matrix)
}

/// Exact attention over paged KV: prefill by tiles of queries, decode split by length over the threads.
public final class PagedAttention: AttentionBackend {
  private let compute: Compute
  private let store: KVStore
  /// Whether sequences read the keys they have in common together; the bits are the same.
  private let sharesReads: Bool
  private var plan = AttentionPlan()
  /// The same without common reads, for layers whose windows differ by sequence.
  private var separatePlan = AttentionPlan()
  private var hasSeparatePlan = false
  private var partials: PartialResults
  public private(set) var tapResults: [ScoreTapResult] = []

  public init(compute: Compute, store: KVStore, sharesReads: Bool = true) {
    self.compute = compute
    self.sharesReads = sharesReads
    self.store = store
    partials = PartialResults(capacity: 0, dimension: store.geometry.paddedDimension)
  }

  public func prepare(_ batch: ForwardBatch, layer: AttentionLayer) {
    tapResults = []
    hasSeparatePlan = false
    fill(&plan, batch, layer, sharing: sharesReads)
  }

  private func fill(
    _ plan: inout AttentionPlan, _ batch: ForwardBatch, _ layer: AttentionLayer, sharing: Bool
  ) {
    plan.plan(
      batch.slices, kvHeadCount: store.geometry.headCount,
      group: layer.headCount / store.geometry.headCount, sharing: sharing)
    if plan.partialCount > partials.capacity {
      partials = PartialResults(
        capacity: plan.partialCount * 2, dimension: store.geometry.paddedDimension)
    }
  }

  public func attend(
    _ batch: ForwardBatch, queries: borrowing Matrix, layer: AttentionLayer,
    into output: inout Matrix
  ) {
    if plan.isShared, layer.ranges.contains(where: { $0.window > 0 }) {
      if !hasSeparatePlan { fill(&separatePlan, batch, layer, sharing: false) }
      hasSeparatePlan = true
      attend(separatePlan, batch, queries: queries, layer: layer, into: &output)
    } else {
      attend(plan, batch, queries: queries, layer: layer, into: &output)
    }
    for tap in batch.taps where tap.layer == layer.layer {
      tapResults.append(observe(tap, batch, queries: queries, layer: layer))
    }
  }

  private func attend(
    _ plan: AttentionPlan, _ batch: ForwardBatch, queries: borrowing Matrix,
    layer: AttentionLayer, into output: inout Matrix
  ) {
    compute.attend(
      plan.items, queries: queries, slices: batch.slices, layer: layer, arena: store.arena,
      partials: &partials, into: &output)
    guard !plan.merges.isEmpty else { return }
    compute.merge(
      plan.merges, parts: plan.parts, slices: batch.slices, layer: layer, arena: store.arena,
      partials: &partials, into: &output)
  }

  private func observe(
    _ tap: ScoreTap, _ batch: ForwardBatch, queries: borrowing Matrix, layer: AttentionLayer
  ) -> ScoreTapResult {
    let slice = batch.slices[tap.slice]
    let heads = store.geometry.headCount
    let group = layer.headCount / heads
    var results: [[Float]] = []
    for head in 0..<heads {
      switch tap.kind {
      case .mass:
        results.append(
          compute.attentionMass(
            queries: queries, slice: slice, rows: tap.rows, layer: layer, head: head,
            arena: store.arena))
      case .rawScores:
        for member in 0..<group {
          results.append(
            compute.rawScores(
              queries: queries, slice: slice, vector: (tap.rows.upperBound - 1) * group + member,
              layer: layer, head: head, arena: store.arena))
        }
      }
    }
    return ScoreTapResult(tap: tap, heads: results)
  }
}
