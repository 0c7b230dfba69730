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
  /// The slices of the batch for some of which keys are chosen, with the choice; empty when there is none to make.
  private var chosenSlices: [AttentionSlice] = []
  /// Those of them.
  private var selecting: [Int] = []
  /// The slices whose prompts end in the batch and whose keys are summed up for a selector.
  private var ending: [Int] = []
  /// Heads read different keys, so that each layer has a plan of its own.
  private var hasViews = false
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
    chosenSlices = []
    selecting.removeAll(keepingCapacity: true)
    ending.removeAll(keepingCapacity: true)
    for (index, selection) in batch.selections.enumerated() {
      guard let selection else { continue }
      if selection.endsPrompt { ending.append(index) }
      guard selection.applies(to: batch.slices[index]) else { continue }
      selecting.append(index)
      if chosenSlices.isEmpty { chosenSlices = batch.slices }
      chosenSlices[index].views = selection.views
    }
    hasViews = slices(batch).contains { $0.views != nil }
    if !hasViews { fill(&plan, batch, layer, sharing: sharesReads) }
  }

  private func slices(_ batch: ForwardBatch) -> [AttentionSlice] {
    selecting.isEmpty ? batch.slices : chosenSlices
  }

  private func fill(
    _ plan: inout AttentionPlan, _ batch: ForwardBatch, _ layer: AttentionLayer, sharing: Bool
  ) {
    plan.plan(
      slices(batch), layer: layer.layer, kvHeadCount: store.geometry.headCount,
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
    if !selecting.isEmpty { select(batch, queries: queries, layer: layer) }
    if !ending.isEmpty { sumUp(batch, layer: layer) }
    if hasViews { fill(&plan, batch, layer, sharing: sharesReads) }
    if plan.isShared, layer.ranges.contains(where: { $0.window > 0 }) {
      if hasViews || !hasSeparatePlan { fill(&separatePlan, batch, layer, sharing: false) }
      hasSeparatePlan = true
      attend(separatePlan, batch, queries: queries, layer: layer, into: &output)
    } else {
      attend(plan, batch, queries: queries, layer: layer, into: &output)
    }
    for tap in batch.taps where tap.layer == layer.layer {
      tapResults.append(observe(tap, batch, queries: queries, layer: layer))
    }
  }

  /// Lets the selectors choose, a head at a time on each thread.
  private func select(_ batch: ForwardBatch, queries: borrowing Matrix, layer: AttentionLayer) {
    let heads = store.geometry.headCount
    let width = layer.headCount / heads * store.geometry.headDimension
    let rows = selecting.map { queries.row(batch.slices[$0].rowStart) }
    compute.pool.run(selecting.count * heads) { item in
      let (index, head) = (selecting[item / heads], item % heads)
      batch.selections[index]?.select(
        Array(rows[item / heads][head * width..<(head + 1) * width]), slice: batch.slices[index],
        layer: layer, head: head, store: store, compute: compute)
    }
    for index in selecting { batch.selections[index]?.count(layer: layer.layer) }
  }

  private func sumUp(_ batch: ForwardBatch, layer: AttentionLayer) {
    let heads = store.geometry.headCount
    compute.pool.run(ending.count * heads) { item in
      let index = ending[item / heads]
      batch.selections[index]?.sumUp(
        slice: batch.slices[index], layer: layer, head: item % heads, store: store)
    }
  }

  private func attend(
    _ plan: AttentionPlan, _ batch: ForwardBatch, queries: borrowing Matrix,
    layer: AttentionLayer, into output: inout Matrix
  ) {
    let slices = slices(batch)
    compute.attend(
      plan.items, queries: queries, slices: slices, layer: layer, arena: store.arena,
      partials: &partials, into: &output)
    guard !plan.merges.isEmpty else { return }
    compute.merge(
      plan.merges, parts: plan.parts, slices: slices, layer: layer, arena: store.arena,
      partials: &partials, into: &output)
  }

  private func observe(
    _ tap: ScoreTap, _ batch: ForwardBatch, queries: borrowing Matrix, layer: AttentionLayer
  ) -> ScoreTapResult {
    // All that is kept is observed, whatever was chosen.
    let slice = batch.slices[tap.slice]
    switch tap.kind {
    case .mass:
      return ScoreTapResult(
        tap: tap,
        heads: compute.attentionMass(
          queries: queries, slice: slice, rows: tap.rows, layer: layer, arena: store.arena))
    case .rawScores:
      let heads = store.geometry.headCount
      let group = layer.headCount / heads
      let first = (tap.rows.upperBound - 1) * group
      return ScoreTapResult(
        tap: tap,
        heads: (0..<heads * group).map {
          compute.rawScores(
            queries: queries, slice: slice, vector: first + $0 % group, layer: layer,
            head: $0 / group, arena: store.arena)
        })
    }
  }
}
