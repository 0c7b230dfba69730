import ApusCore
import ApusScheduling
import Testing

/// Sequences that give tokens up, and those that go on with another text.
@Suite(.serialized) struct KeptTokensTests {
  private func scheduler(
    pages: Int = 20, sharing: Bool = true, maxBatchedTokens: Int = 64
  ) -> Scheduler {
    var configuration = SchedulerConfiguration(
      maxSequences: 4, maxBatchedTokens: maxBatchedTokens, pageCount: pages, pageSize: 4)
    configuration.sharesPrefixes = sharing
    return Scheduler(configuration)
  }

  private func start(
    _ scheduler: inout Scheduler, _ id: SequenceID, _ tokens: Int,
    _ change: (inout SequenceAttributes) -> Void = { _ in }
  ) {
    var attributes = SequenceAttributes()
    change(&attributes)
    scheduler.add(
      Sequence(
        id: id, prompt: (0..<TokenID(tokens)).map { $0 }, limit: 60, attributes: attributes))
    let batch = scheduler.schedule()
    scheduler.update(batch, sampled: batch.items.map { $0.samples ? 99 : nil })
  }

  @Test func keptTokensTakePagesOfTheirOwn() throws {
    var scheduler = scheduler(sharing: false)
    start(&scheduler, 1, 20)
    let before = try #require(scheduler.sequence(1)?.pages)
    #expect(before.count == 5)
    // Two heads with two pages of slots each: two pages that have room for both.
    let kept = scheduler.keep(1, counts: [5, 8])
    let (pages, freed) = try #require(kept)
    #expect(pages.count == 2)
    #expect(freed == before)
    #expect(scheduler.usedPageCount == 2)
    // Later tokens come to what each head has: the sixth and the ninth, in the end the tenth and the thirteenth.
    for expected in [3, 3, 3, 3, 4] {
      let batch = scheduler.schedule()
      #expect(scheduler.sequence(1)?.pages.count == expected)
      scheduler.update(batch, sampled: [7])
    }
    let again = scheduler.keep(1, counts: [2, 2])
    #expect(again?.freed == [])
    let left = scheduler.remove(1)
    #expect(left.count == 4)
    #expect(scheduler.usedPageCount == 0)
  }

  @Test func theTreeKeepsWhatWasShared() {
    var scheduler = scheduler()
    start(&scheduler, 1, 20)
    let kept = scheduler.keep(1, counts: [4, 4])
    #expect(kept?.freed == [], "all five pages are whole and may come again")
    #expect(scheduler.cachedPageCount == 5)
    start(&scheduler, 2, 20)
    #expect(scheduler.sequence(2)?.cachedCount == 19 / 4 * 4 + 3)
  }

  @Test func whereThereIsNoRoomNothingHappens() {
    var scheduler = scheduler(pages: 6, sharing: false)
    start(&scheduler, 1, 20)
    let kept = scheduler.keep(1, counts: [20, 20])
    #expect(kept?.pages == nil)
    #expect(scheduler.sequence(1)?.pages.count == 5)
  }

  @Test func rewindingGivesPagesBack() {
    var scheduler = scheduler(sharing: false)
    start(&scheduler, 1, 20)
    let freed = scheduler.rewind(1, to: [1, 2, 3, 4, 5, 6], computedCount: 5)
    #expect(freed.count == 3)
    let batch = scheduler.schedule()
    #expect(batch.items == [.init(id: 1, range: 5..<6, samples: true)])
    scheduler.update(batch, sampled: [8])
    let rest = scheduler.rewind(1, to: [4, 5], computedCount: 0)
    #expect(rest.count == 2)
    let anew = scheduler.schedule()
    #expect(anew.items == [.init(id: 1, range: 0..<2, samples: true)])
  }

  @Test func whatIsGivenUpNeedsNoRoom() {
    var scheduler = scheduler(pages: 5, sharing: false, maxBatchedTokens: 8)
    scheduler.add(Sequence(id: 1, prompt: Array(repeating: 3, count: 200)))
    let none = scheduler.schedule()
    #expect(none.items.isEmpty, "50 pages of 5")
    scheduler.remove(1)
    var attributes = SequenceAttributes()
    attributes.residentLimit = 16
    scheduler.add(Sequence(id: 2, prompt: Array(repeating: 3, count: 200), attributes: attributes))
    let some = scheduler.schedule()
    #expect(some.items == [.init(id: 2, range: 0..<8, samples: false)])
  }

  @Test func someTokensAreRunInAnyCase() {
    var scheduler = scheduler()
    start(&scheduler, 1, 20)
    scheduler.remove(1)
    start(&scheduler, 2, 20) { $0.runCount = 9 }
    #expect(scheduler.sequence(2)?.cachedCount == 11)
  }

  @Test func pagesThatMayNotBeFoundAreNot() {
    var scheduler = scheduler()
    start(&scheduler, 1, 20) { $0.leavesPages = false }
    scheduler.remove(1)
    #expect(scheduler.cachedPageCount == 0)
    start(&scheduler, 2, 20)
    #expect(scheduler.sequence(2)?.cachedCount == 0)
  }

  @Test func whatCannotRunDoesNotHoldUpTheStep() {
    // It says that it holds little, and then wants more at once than there is.
    var scheduler = scheduler(pages: 5, sharing: false)
    var attributes = SequenceAttributes()
    attributes.residentLimit = 16
    scheduler.add(Sequence(id: 1, prompt: Array(repeating: 3, count: 200), attributes: attributes))
    let batch = scheduler.schedule()
    #expect(batch.items.isEmpty)
    #expect(batch.preempted == [1])
  }
}
