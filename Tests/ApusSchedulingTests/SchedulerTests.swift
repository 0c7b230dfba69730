import ApusCore
import ApusScheduling
import Testing

@Suite struct SchedulerTests {
  private func scheduler(sequences: Int = 4, budget: Int = 16, pages: Int = 8) -> Scheduler {
    Scheduler(
      SchedulerConfiguration(
        maxSequences: sequences, maxBatchedTokens: budget, pageCount: pages, pageSize: 4))
  }

  private func prompt(_ count: Int) -> [TokenID] { Array(repeating: 7, count: count) }

  @Test func promptIsReadInChunks() {
    var scheduler = scheduler(budget: 6)
    scheduler.add(Sequence(id: 1, prompt: prompt(10)))
    let first = scheduler.schedule()
    #expect(first.items == [.init(id: 1, range: 0..<6, samples: false)])
    scheduler.update(first, sampled: [:])
    let second = scheduler.schedule()
    #expect(second.items == [.init(id: 1, range: 6..<10, samples: true)])
    scheduler.update(second, sampled: [1: 3])
    #expect(scheduler.schedule().items == [.init(id: 1, range: 10..<11, samples: true)])
  }

  @Test func runningAnswersComeBeforeNewPrompts() {
    var scheduler = scheduler(budget: 6)
    scheduler.add(Sequence(id: 1, prompt: prompt(4)))
    let first = scheduler.schedule()
    scheduler.update(first, sampled: [1: 3])
    scheduler.add(Sequence(id: 2, prompt: prompt(9)))
    let batch = scheduler.schedule()
    #expect(batch.items.map(\.id) == [1, 2])
    #expect(batch.items.map(\.range.count) == [1, 5])
    #expect(batch.tokenCount == 6)
  }

  @Test func waitsForPages() {
    var scheduler = scheduler(pages: 4)
    scheduler.add(Sequence(id: 1, prompt: prompt(12)))
    scheduler.add(Sequence(id: 2, prompt: prompt(8)))
    #expect(scheduler.schedule().items.map(\.id) == [1])
    #expect(scheduler.waiting.map(\.id) == [2])
    scheduler.remove(1)
    #expect(scheduler.schedule().items.map(\.id) == [2])
  }

  @Test func theLatestArrivalIsPreempted() {
    var scheduler = scheduler(pages: 4)
    scheduler.add(Sequence(id: 1, prompt: prompt(8)))
    scheduler.add(Sequence(id: 2, prompt: prompt(8)))
    let first = scheduler.schedule()
    #expect(first.items.map(\.id) == [1, 2])
    scheduler.update(first, sampled: [1: 3, 2: 4])
    let second = scheduler.schedule()
    #expect(second.items.map(\.id) == [1])
    #expect(second.preempted == [2])
    #expect(scheduler.sequence(2)?.tokens.count == 9)
    #expect(scheduler.sequence(2)?.computedCount == 0)
  }

  /// Arrivals, cancellations, finishes and full pools at random: no page is lost or owned twice, the budget holds,
  /// and every request ends.
  @Test func randomEvents() {
    var random = RandomSource(seed: 5)
    var scheduler = scheduler(sequences: 5, budget: 16, pages: 24)
    var goals: [SequenceID: Int] = [:]
    var nextID: SequenceID = 1
    var ended = 0
    for round in 0..<100_000 {
      if round < 80_000, random.next() % 24 == 0 {
        let count = Int(random.next() % 40) + 1
        goals[nextID] = count + Int(random.next() % 40) + 1
        scheduler.add(Sequence(id: nextID, prompt: prompt(count)))
        nextID += 1
      }
      if random.next() % 100 == 0, let id = goals.keys.sorted().randomElement(using: &random) {
        scheduler.remove(id)
        goals[id] = nil
        ended += 1
      }
      let batch = scheduler.schedule()
      #expect(batch.tokenCount <= 16)
      #expect(Set(batch.items.map(\.id)).count == batch.items.count)
      var sampled: [SequenceID: TokenID] = [:]
      for item in batch.items where item.samples { sampled[item.id] = 1 }
      scheduler.update(batch, sampled: sampled)
      for sequence in scheduler.running where sequence.tokens.count >= goals[sequence.id]! {
        scheduler.remove(sequence.id)
        goals[sequence.id] = nil
        ended += 1
      }
      let owned = scheduler.running.flatMap(\.pages)
      #expect(Set(owned).count == owned.count)
      let free = scheduler.pool.freeCount
      #expect(owned.count + free == 24)
      for sequence in scheduler.running {
        #expect(sequence.pages.count * 4 >= sequence.computedCount)
      }
      if round > 80_000, scheduler.isIdle { break }
    }
    let idle = scheduler.isIdle
    #expect(idle)
    #expect(ended == Int(nextID) - 1)
    let used = scheduler.pool.usedCount
    #expect(used == 0)
  }
}

extension Scheduler {
  /// Notes a batch, with what was sampled by sequence.
  fileprivate mutating func update(_ batch: ScheduledBatch, sampled: [SequenceID: TokenID]) {
    update(batch, sampled: batch.items.map { sampled[$0.id] })
  }
}
