import ApusCore
import ApusScheduling
import Testing

@Suite(.serialized) struct SchedulerTests {
  private func scheduler(sequences: Int = 4, budget: Int = 16, pages: Int = 8) -> Scheduler {
    var configuration = SchedulerConfiguration(
      maxSequences: sequences, maxBatchedTokens: budget, pageCount: pages, pageSize: 4)
    configuration.sharesPrefixes = false
    return Scheduler(configuration)
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
}

extension Scheduler {
  /// Notes a batch, with what was sampled by sequence.
  mutating func update(_ batch: ScheduledBatch, sampled: [SequenceID: TokenID]) {
    update(batch, sampled: batch.items.map { sampled[$0.id] })
  }
}
