import ApusCore

/// Decides how many tokens of which sequence run next, within the tokens and the time of a step.
///
/// There is no prefill or decode phase, only tokens that are not computed yet. The scheduler knows integers, no bytes;
/// its policy says who comes first. Times are seconds of the caller's clock.
public struct Scheduler: Sendable {
  public let configuration: SchedulerConfiguration
  /// In order of arrival.
  public internal(set) var running: [Sequence] = []
  public internal(set) var waiting: [Sequence] = []
  var cache: PageCache
  var policy: any SchedulingPolicy
  var now = 0.0
  private var arrivals: UInt64 = 0
  /// How many sequences each tenant has here.
  private var tenants: [String: Int] = [:]
  /// What steps take lately, by `configuration.cost`.
  private var pace = StepPace()
  // Of the step at hand; kept for their memory.
  private var reading: [(id: SequenceID, rank: Double, order: UInt64)] = []
  private var readers: [SequenceID] = []
  private var writers: [Int] = []
  private var writing: [SequenceID] = []
  var isOutOfPages = false

  public init(_ configuration: SchedulerConfiguration) {
    self.configuration = configuration
    policy = configuration.policy
    cache = PageCache(
      pageCount: configuration.pageCount, pageSize: configuration.pageSize,
      sharesPrefixes: configuration.sharesPrefixes, swapSlotCount: configuration.swapSlotCount)
  }

  public var isIdle: Bool { running.isEmpty && waiting.isEmpty }
  /// Pages that running sequences use; others may hold text that came before.
  public var usedPageCount: Int { cache.usedCount }
  public var pageCount: Int { cache.pool.pageCount }
  /// Pages that nobody uses and that hold text which may come again.
  public var cachedPageCount: Int { cache.tree?.unusedCount ?? 0 }
  /// Pages from this one on have never been used.
  public var everUsedPageCount: Int { cache.pool.everUsedCount }
  public var freePageCount: Int { cache.pool.freeCount }
  /// Pages that more than one sequence or transfer uses.
  public var sharedPageCount: Int { cache.tree?.sharedCount ?? 0 }

  public mutating func add(_ sequence: Sequence, at now: Double = 0) {
    let tenant = sequence.attributes.tenant
    if tenants[tenant] == nil { policy.returned(tenant: tenant, active: tenants.keys) }
    tenants[tenant, default: 0] += 1
    arrivals += 1
    waiting.append(sequence)
    waiting[waiting.count - 1].order = arrivals
    waiting[waiting.count - 1].waitingSince = now
  }

  /// Forgets a sequence; returns the pages that hold nothing any more.
  @discardableResult
  public mutating func remove(_ id: SequenceID) -> [PageID] {
    var freed: [PageID] = []
    if let index = running.firstIndex(where: { $0.id == id }) {
      cache.release(&running[index], &freed)
      left(running.remove(at: index))
    } else if let index = waiting.firstIndex(where: { $0.id == id }) {
      left(waiting.remove(at: index))
    }
    return freed
  }

  private mutating func left(_ sequence: Sequence) {
    let tenant = sequence.attributes.tenant
    tenants[tenant, default: 1] -= 1
    if tenants[tenant] == 0 { tenants[tenant] = nil }
  }

  public func sequence(_ id: SequenceID) -> Sequence? {
    running.first { $0.id == id } ?? waiting.first { $0.id == id }
  }

  /// Chooses the tokens of the next step and reserves their pages.
  public mutating func schedule(at now: Double = 0) -> ScheduledBatch {
    var batch = ScheduledBatch()
    schedule(into: &batch, at: now)
    return batch
  }

  /// The same, in the memory of an old batch.
  public mutating func schedule(into batch: inout ScheduledBatch, at now: Double = 0) {
    batch.removeAll()
    readers.removeAll(keepingCapacity: true)
    self.now = now
    isOutOfPages = false
    displace(&batch)
    var room = stepRoom
    if policy.decodesFirst { write(&batch, &room) }
    read(&batch, &room)
    admit(&batch, &room)
    cache.planStores(&batch)
    batch.expectedTime = batch.items.isEmpty ? StepTime() : room.spent
  }

  /// Gives a sequence pages of its own for `counts` tokens of each head of each layer; later tokens come to these.
  ///
  /// Returns its pages, and those that hold nothing any more once they have been copied from; nil when there are too few.
  public mutating func keep(
    _ id: SequenceID, counts: [Int]
  ) -> (pages: [PageID], freed: [PageID])? {
    guard let index = running.firstIndex(where: { $0.id == id }) else { return nil }
    var freed: [PageID] = []
    let kept = KeptTokens(counts: counts, since: running[index].computedCount)
    guard cache.keep(kept, of: &running[index], &freed) else { return nil }
    return (running[index].pages, freed)
  }

  /// Goes on with a text of which the first `computedCount` tokens are stored, and the same or fewer than now; returns the
  /// pages that hold nothing any more.
  public mutating func rewind(
    _ id: SequenceID, to tokens: [TokenID], computedCount: Int
  ) -> [PageID] {
    guard let index = running.firstIndex(where: { $0.id == id }) else { return [] }
    var freed: [PageID] = []
    cache.rewind(&running[index], to: computedCount, &freed)
    running[index].tokens = tokens
    running[index].promptCount = tokens.count
    return freed
  }

  /// Notes that a transfer has ended, of which the first `completed` pages succeeded; returns the pages that hold
  /// nothing any more.
  @discardableResult
  public mutating func finish(_ transfer: UInt64, completed: Int, seconds: Double) -> [PageID] {
    var freed: [PageID] = []
    cache.finishTransfer(transfer, completed: completed, seconds: seconds, &freed)
    return freed
  }

  /// Some pages are on their way; what waits for them may run when `finish` was called.
  public var isMovingPages: Bool { cache.swap.isMoving }

  /// Notes that the batch has run, and the tokens that were sampled, an entry for each item.
  ///
  /// `seconds` is how long it took, where that is known; later steps are planned by it.
  /// Returns the pages that hold nothing any more.
  @discardableResult
  public mutating func update(
    _ batch: ScheduledBatch, sampled: [TokenID?], seconds: Double? = nil
  ) -> [PageID] {
    var freed: [PageID] = []
    for (item, token) in zip(batch.items, sampled) {
      guard let index = running.firstIndex(where: { $0.id == item.id }) else { continue }
      running[index].computedCount = item.range.upperBound
      if let token { running[index].tokens.append(token) }
      let prompt = min(item.range.upperBound, running[index].promptCount)
      policy.ran(
        tenant: running[index].attributes.tenant,
        promptTokens: max(prompt - item.range.lowerBound, 0), generatedTokens: token == nil ? 0 : 1)
      // What is written goes to the tree when the sequence ends.
      if item.range.count > 1 || item.range.lowerBound < running[index].promptCount {
        cache.share(&running[index], &freed)
      }
    }
    if let seconds { pace.learn(seconds, expected: batch.expectedTime) }
    return freed
  }

  private var stepRoom: StepRoom {
    guard let cost = configuration.cost, policy.limitsStepTime else {
      return StepRoom(tokens: configuration.maxBatchedTokens)
    }
    let writes = running.contains { !$0.isReading }
    let stepTime = configuration.stepTime * (configuration.stepTimeFollowsPace ? pace.writing : 1)
    return StepRoom(
      tokens: configuration.maxBatchedTokens,
      seconds: writes ? stepTime : max(stepTime, configuration.quietStepTime),
      writing: pace.writing * cost, reading: pace.reading * cost)
  }
}

extension Scheduler {
  /// The sequences that wait for one token each, those that share pages side by side.
  private mutating func write(_ batch: inout ScheduledBatch, _ room: inout StepRoom) {
    var order: [Int] = []
    swap(&order, &writers)
    order.removeAll(keepingCapacity: true)
    for index in running.indices where !running[index].isReading { order.append(index) }
    if configuration.groupsSharers, order.count > 1 {
      order.sort { running[$0].precedesInTree(running[$1]) }
    }
    // Preemption moves places, so they are looked up by name.
    writing.removeAll(keepingCapacity: true)
    for index in order { writing.append(running[index].id) }
    swap(&order, &writers)
    for id in writing where room.tokens > 0 { run(id, count: 1, &batch, &room) }
  }

  /// The sequences that read, or all where answers do not come first, by rank.
  private mutating func read(_ batch: inout ScheduledBatch, _ room: inout StepRoom) {
    reading.removeAll(keepingCapacity: true)
    for sequence in running where sequence.isReading || !policy.decodesFirst {
      reading.append((sequence.id, rank(sequence), sequence.order))
    }
    reading.sort { ($0.rank, $0.order) < ($1.rank, $1.order) }
    for entry in reading {
      guard room.tokens > 0 else { return }
      advance(entry.id, &batch, &room)
    }
  }

  /// Runs as much of a running sequence as fits.
  mutating func advance(
    _ id: SequenceID, _ batch: inout ScheduledBatch, _ room: inout StepRoom
  ) {
    guard let index = running.firstIndex(where: { $0.id == id }) else { return }
    if running[index].isReading {
      if let cost = configuration.cost {
        running[index].secondsPerPage = (pace.reading * cost).seconds(
          tokens: configuration.pageSize, after: running[index].computedCount)
      }
      cache.attach(&running[index], &batch)
      if cache.isLoading(running[index]) { return }
      // What another one computes in this step need not be computed twice.
      for other in readers {
        if let other = sequence(other), cache.waits(running[index], for: other) { return }
      }
    }
    let count = room.chunk(
      running[index].pendingCount, after: running[index].computedCount, isFirst: readers.isEmpty)
    guard count > 0 else { return }
    run(id, count: count, &batch, &room)
  }

  private mutating func run(
    _ id: SequenceID, count: Int, _ batch: inout ScheduledBatch, _ room: inout StepRoom
  ) {
    guard reserve(id, count: count, preempting: &batch),
      let index = running.firstIndex(where: { $0.id == id })
    else { return }
    let sequence = running[index]
    let range = sequence.computedCount..<sequence.computedCount + count
    batch.items.append(
      .init(id: id, range: range, samples: range.upperBound == sequence.tokens.count))
    room.take(count, after: sequence.computedCount, isReading: sequence.isReading)
    if sequence.isReading { readers.append(id) }
  }

  /// Makes room for `count` more tokens; where there is none, the sequences that would run last give theirs.
  private mutating func reserve(
    _ id: SequenceID, count: Int, preempting batch: inout ScheduledBatch
  ) -> Bool {
    while let index = running.firstIndex(where: { $0.id == id }) {
      let tokens = running[index].computedCount + count
      if cache.reserve(&running[index], tokens: tokens, &batch) { return true }
      isOutOfPages = true
      guard let victim = victim(batch) else { return false }
      preempt(victim, &batch)
      if victim == id { return false }
    }
    return false
  }

  /// The sequence that would run last of those that do not run in this step.
  func victim(
    _ batch: ScheduledBatch, where mayGive: (Sequence) -> Bool = { _ in true }
  ) -> SequenceID? {
    var worst: (id: SequenceID, rank: Double)?
    for sequence in running where !batch.items.contains(where: { $0.id == sequence.id }) {
      let rank = rank(sequence)
      // What was given up cannot be run anew where all of it has no room.
      let canReturn =
        sequence.residentCount(sequence.tokens.count) <= pageCount * configuration.pageSize
      if canReturn, rank >= worst?.rank ?? -.infinity, mayGive(sequence) {
        worst = (sequence.id, rank)
      }
    }
    return worst?.id
  }

  /// Sends a running sequence back to wait.
  mutating func preempt(_ id: SequenceID, _ batch: inout ScheduledBatch) {
    guard let index = running.firstIndex(where: { $0.id == id }) else { return }
    cache.release(&running[index], &batch.freedPages)
    var victim = running.remove(at: index)
    victim.preemptionCount += 1
    victim.waitingSince = now
    batch.preempted.append(id)
    waiting.insert(victim, at: waiting.firstIndex { $0.order > victim.order } ?? waiting.count)
  }

  func rank(_ sequence: Sequence) -> Double { policy.rank(candidate(sequence)) }

  func candidate(_ sequence: Sequence) -> SchedulingCandidate {
    let isWaiting = sequence.pages.isEmpty && sequence.computedCount == 0
    return SchedulingCandidate(
      tenant: sequence.attributes.tenant, priority: sequence.attributes.priority,
      waited: isWaiting ? now - sequence.waitingSince : 0,
      remaining: sequence.pendingCount, promptCount: sequence.promptCount,
      cachedCount: policy.needsCachedCount && isWaiting
        ? cache.match(sequence).tokens : sequence.cachedCount)
  }
}
