import ApusCore

extension Scheduler {
  /// Of so many sequences that wait, the hits in the prefix tree are counted before one is chosen.
  private static let hitCountLimit = 64

  /// Lets sequences that wait join, those of the lowest rank first, while there is room for them.
  mutating func admit(_ batch: inout ScheduledBatch, _ room: inout StepRoom) {
    // Who was sent back for want of pages waits until something has finished; else it would take them back at once.
    guard mayJoin else { return }
    while !isOutOfPages, room.tokens > 0, !waiting.isEmpty,
      running.count < configuration.maxSequences
    {
      let index = next
      guard fits(waiting[index]) else { return }
      let sequence = waiting.remove(at: index)
      let place = running.firstIndex { $0.order > sequence.order } ?? running.count
      running.insert(sequence, at: place)
      running[place].pages.reserveCapacity(
        max(sequence.limit, sequence.tokens.count) / configuration.pageSize + 1)
      advance(sequence.id, &batch, &room)
    }
  }

  /// Sends a running sequence back when all places are taken and the policy gives its place to one that waits.
  mutating func displace(_ batch: inout ScheduledBatch) {
    guard policy.mayDisplace, running.count >= configuration.maxSequences, !waiting.isEmpty,
      configuration.batching == .continuous
    else { return }
    let sequence = waiting[next]
    let first = candidate(sequence)
    let victim = victim(batch) { policy.displaces(first, candidate($0)) }
    if let victim, fits(sequence) { preempt(victim, &batch) }
  }

  private var mayJoin: Bool {
    switch configuration.batching {
    case .continuous: true
    case .dynamic: running.isEmpty
    case .static:
      running.isEmpty
        && (waiting.count >= configuration.maxSequences
          || waiting.contains { now - $0.waitingSince >= 1 })
    }
  }

  /// The index of the sequence of lowest rank, the earliest among equals.
  private var next: Int {
    var best = 0
    var lowest = Double.infinity
    let limit = policy.needsCachedCount ? Self.hitCountLimit : Int.max
    for index in 0..<min(waiting.count, limit) {
      let rank = rank(waiting[index])
      if rank < lowest { (best, lowest) = (index, rank) }
    }
    return best
  }

  /// Whether its whole text finds room beside those that are being read, so that reading it never stops half-way.
  private func fits(_ sequence: Sequence) -> Bool {
    var available = cache.availableCount
    for other in running {
      let tokens = other.kept == nil ? other.residentCount(other.tokens.count) : other.tokens.count
      available -= max(cache.pagesNeeded(other, tokens: tokens), 0)
    }
    let needed = cache.pagesNeeded(
      sequence, tokens: sequence.residentCount(sequence.tokens.count))
    if needed <= available { return true }
    let match = cache.match(sequence)
    return needed - match.tokens / configuration.pageSize <= available - match.unusedPages
  }
}
