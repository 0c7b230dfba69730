import ApusCore

public struct SchedulerConfiguration: Sendable, Equatable {
  /// Sequences that may run at once.
  public var maxSequences: Int
  /// Tokens of one step, over all sequences.
  public var maxBatchedTokens: Int
  public var pageCount: Int
  public var pageSize: Int

  public init(maxSequences: Int, maxBatchedTokens: Int, pageCount: Int, pageSize: Int) {
    self.maxSequences = maxSequences
    self.maxBatchedTokens = maxBatchedTokens
    self.pageCount = pageCount
    self.pageSize = pageSize
  }
}

/// Decides how many tokens of which sequence run next: running sequences in order of arrival, those that only wait
/// for one token before those that still read, then new ones while there is room.
///
/// There is no prefill or decode phase, only tokens that are not computed yet. The scheduler knows integers, no bytes.
public struct Scheduler: Sendable {
  public let configuration: SchedulerConfiguration
  public private(set) var pool: PagePool
  /// In order of arrival.
  public private(set) var running: [Sequence] = []
  public private(set) var waiting: [Sequence] = []

  public init(_ configuration: SchedulerConfiguration) {
    self.configuration = configuration
    pool = PagePool(pageCount: configuration.pageCount)
  }

  public var isIdle: Bool { running.isEmpty && waiting.isEmpty }

  public mutating func add(_ sequence: Sequence) { waiting.append(sequence) }

  /// Forgets a sequence; returns the pages that became free.
  @discardableResult
  public mutating func remove(_ id: SequenceID) -> [PageID] {
    if let index = running.firstIndex(where: { $0.id == id }) {
      return pool.release(running.remove(at: index).pages)
    }
    waiting.removeAll { $0.id == id }
    return []
  }

  public func sequence(_ id: SequenceID) -> Sequence? {
    running.first { $0.id == id } ?? waiting.first { $0.id == id }
  }

  /// Chooses the tokens of the next step and reserves their pages.
  public mutating func schedule() -> ScheduledBatch {
    var batch = ScheduledBatch()
    schedule(into: &batch)
    return batch
  }

  /// The same, in the memory of an old batch.
  public mutating func schedule(into batch: inout ScheduledBatch) {
    batch.removeAll()
    var budget = configuration.maxBatchedTokens
    continueRunning(&batch, reading: false, budget: &budget)
    continueRunning(&batch, reading: true, budget: &budget)
    admit(&batch, budget: &budget)
  }

  /// Sequences that still read, or those that wait for one token; pages are only taken from later ones.
  private mutating func continueRunning(
    _ batch: inout ScheduledBatch, reading: Bool, budget: inout Int
  ) {
    var index = 0
    while budget > 0, index < running.count {
      let sequence = running[index].id
      if (running[index].pendingCount > 1) == reading {
        let count = min(running[index].pendingCount, budget)
        if reserve(sequence, count: count, preempting: &batch) {
          batch.items.append(item(running[index], count: count))
          budget -= count
        }
      }
      if index < running.count, running[index].id == sequence { index += 1 }
    }
  }

  /// Notes that the batch has run, and the tokens that were sampled.
  ///
  /// `sampled` has one entry for each item.
  public mutating func update(_ batch: ScheduledBatch, sampled: [TokenID?]) {
    for (item, token) in zip(batch.items, sampled) {
      guard let index = running.firstIndex(where: { $0.id == item.id }) else { continue }
      running[index].computedCount = item.range.upperBound
      if let token { running[index].tokens.append(token) }
    }
  }

  private mutating func admit(_ batch: inout ScheduledBatch, budget: inout Int) {
    // A preempted sequence waits until something has finished; else it would take its pages back at once.
    guard batch.preempted.isEmpty else { return }
    while budget > 0, running.count < configuration.maxSequences, let first = waiting.first {
      let count = min(first.pendingCount, budget)
      // The whole text must fit now, so that reading it never has to stop half-way.
      guard pagesNeeded(first, tokens: first.tokens.count) <= pool.freeCount else { return }
      running.append(waiting.removeFirst())
      running[running.count - 1].pages.reserveCapacity(
        max(first.limit, first.tokens.count) / configuration.pageSize + 1)
      guard reserve(first.id, count: count, preempting: &batch) else { return }
      batch.items.append(item(running[running.count - 1], count: count))
      budget -= count
    }
  }

  private func item(_ sequence: Sequence, count: Int) -> ScheduledBatch.Item {
    let range = sequence.computedCount..<sequence.computedCount + count
    return .init(id: sequence.id, range: range, samples: range.upperBound == sequence.tokens.count)
  }

  private func pagesNeeded(_ sequence: Sequence, tokens: Int) -> Int {
    (tokens + configuration.pageSize - 1) / configuration.pageSize - sequence.pages.count
  }

  /// Makes room for `count` more tokens; takes the pages of the latest arrivals where there is none.
  private mutating func reserve(
    _ id: SequenceID, count: Int, preempting batch: inout ScheduledBatch
  ) -> Bool {
    while let index = running.firstIndex(where: { $0.id == id }) {
      let needed = pagesNeeded(running[index], tokens: running[index].computedCount + count)
      if needed <= 0 { return true }
      if pool.allocate(needed, appendingTo: &running[index].pages) { return true }
      guard let victim = running.last(where: { !isScheduled($0.id, batch) }) else { return false }
      preempt(victim.id, &batch)
      if victim.id == id { return false }
    }
    return false
  }

  private func isScheduled(_ id: SequenceID, _ batch: ScheduledBatch) -> Bool {
    batch.items.contains { $0.id == id }
  }

  private mutating func preempt(_ id: SequenceID, _ batch: inout ScheduledBatch) {
    guard let index = running.firstIndex(where: { $0.id == id }) else { return }
    var victim = running.remove(at: index)
    batch.freedPages += pool.release(victim.pages)
    victim.pages = []
    victim.computedCount = 0
    victim.preemptionCount += 1
    batch.preempted.append(id)
    waiting.insert(victim, at: 0)
  }
}
