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
  private var batch = ForwardBatch()

  init(
    model: any ModelArchitecture, configuration: ModelConfiguration, compute: Compute,
    store: KVStore, maxBatchedTokens: Int
  ) {
    self.model = model
    self.compute = compute
    self.store = store
    backend = PagedAttention(compute: compute, store: store)
    workspace = Workspace(
      configuration, maxRows: maxBatchedTokens, maxLogitRows: min(maxBatchedTokens, 64))
  }

  /// Runs the scheduled tokens and calls `use` with each row whose logits are wanted, in order.
  ///
  /// `wantsAllLogits` marks sequences whose prompt is scored.
  func run(
    _ scheduled: ScheduledBatch, scheduler: borrowing Scheduler,
    wantsAllLogits: (SequenceID) -> Bool, use: (Int, Span<Float>) -> Void
  ) {
    lay(scheduled, scheduler: scheduler, wantsAllLogits: wantsAllLogits)
    model.forward(
      batch, store: store, backend: backend, compute: compute, workspace: workspace)
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
    wantsAllLogits: (SequenceID) -> Bool
  ) {
    batch.removeAll()
    for item in scheduled.items {
      guard let sequence = scheduler.sequence(item.id) else { continue }
      let first = batch.rowCount
      batch.append(
        tokens: sequence.tokens[item.range], firstIndex: item.range.lowerBound,
        pages: sequence.pages)
      if wantsAllLogits(item.id) {
        batch.logitRows += first..<batch.rowCount
      } else if item.samples {
        batch.logitRows.append(batch.rowCount - 1)
      }
    }
  }
}
