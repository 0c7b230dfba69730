import ApusAttention
import ApusCompute
import ApusCore
import ApusKV
import ApusModels
import ApusScheduling

/// Runs scheduled tokens through the model.
final class ModelRunner {
  let store: KVStore
  private let model: any ModelArchitecture
  private let compute: Compute
  private let backend: PagedAttention
  private let workspace: Workspace
  private let padding: Padding?
  private var batch = ForwardBatch()
  /// Query heads of a KV head.
  private let group: Int
  private let endsSentence: ((TokenID) -> Bool)?
  /// The rotation of each layer's keys; nil where they have none.
  private let rotations: [KeyRotation?]

  init(
    model: any ModelArchitecture, configuration: ModelConfiguration, compute: Compute,
    store: KVStore, maxBatchedTokens: Int, maxSequences: Int, sharesReads: Bool,
    padding: Padding? = nil, endsSentence: ((TokenID) -> Bool)? = nil
  ) {
    self.endsSentence = endsSentence
    self.model = model
    self.compute = compute
    self.store = store
    backend = PagedAttention(compute: compute, store: store, sharesReads: sharesReads)
    self.padding = padding
    group = configuration.shape.headCount / configuration.shape.kvHeadCount
    rotations = (0..<configuration.shape.layerCount).map {
      configuration.rope.unrotatedLayers.contains($0) ? nil : model.rotary.keyRotation
    }
    workspace = Workspace(
      configuration, maxRows: maxBatchedTokens * (padding == nil ? 1 : maxSequences),
      maxLogitRows: min(maxBatchedTokens, 64))
  }

  var shape: KVShape {
    KVShape(layerCount: store.geometry.layerCount, headCount: store.geometry.headCount)
  }

  /// What keeps a request's keys and values by its own methods.
  func sequenceKV(_ methods: KVMethods, promptCount: Int) -> SequenceKV {
    SequenceKV(
      methods, store: store, group: group, rotations: rotations, promptCount: promptCount)
  }

  /// Runs the scheduled tokens and calls `use` with each row whose logits are wanted, in order.
  ///
  /// `wantsAllLogits` marks sequences whose prompt is scored, `kv` those that do not keep or read all, `wantsHidden`
  /// those whose hidden states `useHidden` is called with, in order.
  func run(
    _ scheduled: ScheduledBatch, scheduler: borrowing Scheduler,
    wantsAllLogits: (SequenceID) -> Bool, kv: (SequenceID) -> SequenceKV?,
    wantsHidden: (SequenceID) -> Bool, useHidden: (SequenceID, Int, Span<Float>) -> Void,
    use: (Int, Span<Float>) -> Void
  ) {
    for copy in scheduled.copies { store.copy(block: copy.source, to: copy.target) }
    lay(scheduled, scheduler: scheduler, wantsAllLogits: wantsAllLogits, kv: kv)
    forward()
    var start = 0
    for item in scheduled.items where scheduler.sequence(item.id) != nil {
      let rows = start..<start + item.range.count
      start = rows.upperBound
      guard wantsHidden(item.id) else { continue }
      model.hiddenStates(of: rows, compute: compute, workspace: workspace) { row, hidden in
        useHidden(item.id, item.range.lowerBound + row - rows.lowerBound, hidden)
      }
    }
    readLogits(use)
    for (slice, item) in scheduled.items.enumerated() {
      kv(item.id)?.end(item.range, backend.tapResults.lazy.filter { $0.tap.slice == slice })
    }
  }

  private func forward() {
    model.forward(
      batch, store: store, backend: backend, compute: compute, workspace: workspace)
  }

  /// Calls `use` with the logits that the batch asks for, and empties it.
  private func readLogits(_ use: (Int, Span<Float>) -> Void) {
    let rows = batch.logitRows
    for start in stride(from: 0, to: rows.count, by: workspace.maxLogitRows) {
      let end = min(start + workspace.maxLogitRows, rows.count)
      model.logits(of: rows[start..<end], compute: compute, workspace: workspace)
      for index in start..<end {
        workspace.logits.withRow(index - start) { use(rows[index], $0) }
      }
    }
    batch.removeAll()  // the lists of pages may grow in place again
  }

  /// Lays the scheduled tokens end to end.
  private func lay(
    _ scheduled: ScheduledBatch, scheduler: borrowing Scheduler,
    wantsAllLogits: (SequenceID) -> Bool, kv: (SequenceID) -> SequenceKV?
  ) {
    batch.removeAll()
    for item in scheduled.items {
      guard let sequence = scheduler.sequence(item.id) else { continue }
      let first = batch.rowCount
      let kv = kv(item.id)
      kv?.begin(
        item.range, of: sequence, slice: batch.slices.count, batch: &batch,
        endsSentence: endsSentence)
      batch.append(
        tokens: sequence.tokens[item.range], firstIndex: item.range.lowerBound,
        pages: sequence.pages, views: kv?.cache?.views)
      if wantsAllLogits(item.id) {
        batch.logitRows += first..<batch.rowCount
      } else if item.samples {
        batch.logitRows.append(batch.rowCount - 1)
      }
    }
    batch.layerLimit = layerLimit(scheduled, kv)
    if let padding { fillUp(scheduled, padding) }
  }

  /// The layers that matter when all tokens of a step are of prompts that early layers filter.
  private func layerLimit(_ scheduled: ScheduledBatch, _ kv: (SequenceID) -> SequenceKV?) -> Int? {
    var limit = 0
    for item in scheduled.items {
      guard case .filter(let layer) = kv(item.id)?.prelude else { return nil }
      limit = max(limit, layer + 1)
    }
    return limit
  }

  /// Adds, behind all others, the rows that parts of prompts lack of the longest part of the step.
  private func fillUp(_ scheduled: ScheduledBatch, _ padding: Padding) {
    let parts = scheduled.items.map(\.range.count).filter { $0 > 1 }
    let longest = parts.max() ?? 0
    for (index, count) in parts.enumerated() where count < longest {
      batch.append(
        tokens: Array(repeating: 0, count: longest - count)[...], firstIndex: 0,
        pages: padding.pages(part: index))
    }
  }
}

// Measuring needs no model of its own: keys and values of pages that nobody uses yet may hold anything.
extension ModelRunner {
  /// What steps cost here, from a few that take less than two seconds in all; nil when there are too few pages.
  func stepCost() -> StepCost? {
    let room = min(workspace.maxRows, store.arena.blockCount * KVGeometry.pageSize)
    guard room >= 2 else { return nil }
    _ = seconds(rows: 1)  // the first one finds nothing in the caches
    let one = shortest(rows: 1)
    // As many rows as fit in a third of a second, found from fewer; some even if they take longer.
    var rows = min(16, room)
    var many = seconds(rows: rows)
    while rows < room, many * 4 < 0.35 {
      rows = min(rows * 4, room)
      many = shortest(rows: rows)
    }
    let token = max((many - one) / Double(rows - 1), 0)
    var cost = StepCost(step: max(one - token, 0), token: token)
    let depth = min(store.arena.blockCount * KVGeometry.pageSize - rows, 1024)
    guard depth > 0 else { return cost }
    // Memory that nothing was written to yet reads otherwise.
    for page in 1..<max(KVGeometry.pageCount(depth + rows), 1) {
      store.copy(block: 0, to: PageID(page))
    }
    cost.key = max((shortest(rows: 1, after: depth) - one) / Double(depth), 0)
    let deep = shortest(rows: rows, after: depth) - many
    cost.pair = max((deep / Double(depth) - cost.key) / Double(rows), 0)
    return cost
  }

  /// Of as many steps as take some 50 ms: others may have the processors for a moment.
  private func shortest(rows: Int, after depth: Int = 0) -> Double {
    var (least, total) = (Double.infinity, 0.0)
    repeat {
      let next = seconds(rows: rows, after: depth)
      least = min(least, next)
      total += next
    } while total < 0.05
    return least
  }

  private func seconds(rows: Int, after depth: Int = 0) -> Double {
    let pages = (0..<KVGeometry.pageCount(depth + rows)).map {
      PageID($0)
    }
    batch.removeAll()
    batch.append(
      tokens: Array(repeating: 0, count: rows)[...], firstIndex: depth, pages: pages)
    batch.logitRows = [rows - 1]
    let begin = ContinuousClock.now
    forward()
    readLogits { _, _ in }
    return (ContinuousClock.now - begin) / .seconds(1)
  }
}
