import ApusCore
import ApusScheduling
import Testing

/// Pages of 4 tokens that several sequences read.
@Suite(.serialized) struct PrefixSharingTests {
  private func scheduler(
    sequences: Int = 4, budget: Int = 64, pages: Int = 32, policy: String = "stall-free"
  ) throws -> Scheduler {
    Scheduler(
      SchedulerConfiguration(
        maxSequences: sequences, maxBatchedTokens: budget, pageCount: pages, pageSize: 4,
        policy: try SchedulingPolicies.make(policy)))
  }

  /// Tokens 0, 1, 2, … up to `count`, then others.
  private func prompt(_ count: Int, _ rest: TokenID...) -> [TokenID] {
    (0..<TokenID(count)).map { $0 } + rest
  }

  @Test func followersWaitForTheLeaderAndShareItsPages() throws {
    var scheduler = try scheduler(budget: 8)
    for id in 1...3 {
      scheduler.add(Sequence(id: SequenceID(id), prompt: prompt(16, 90 + TokenID(id))))
    }
    var ran: [SequenceID: Int] = [:]
    for _ in 0..<4 {
      let batch = scheduler.schedule()
      for item in batch.items { ran[item.id, default: 0] += item.range.count }
      scheduler.update(batch, sampled: [:])
    }
    // The common 16 tokens once, the last one by each.
    #expect(ran == [1: 17, 2: 1, 3: 1])
    #expect(scheduler.running.map(\.cachedCount) == [0, 16, 16])
    #expect(Set(scheduler.running.map { Array($0.pages.prefix(4)) }).count == 1)
    #expect(Set(scheduler.running.map { $0.pages[4] }).count == 3)
    #expect(scheduler.sharedPageCount == 4)
    scheduler.remove(1)
    #expect(scheduler.sharedPageCount == 4)
    scheduler.remove(3)
    #expect(scheduler.sharedPageCount == 0)
  }

  @Test func theNextTurnReusesAnswersAndPartsOfPages() throws {
    var scheduler = try scheduler()
    scheduler.add(Sequence(id: 1, prompt: prompt(6)))
    for token in 50..<55 {
      let batch = scheduler.schedule()
      scheduler.update(batch, sampled: [1: TokenID(token)])
    }
    scheduler.remove(1)
    #expect(scheduler.usedPageCount == 0)
    // 6 + 4 tokens were run: the last of the 5 sampled ones was not.
    scheduler.add(Sequence(id: 2, prompt: prompt(6, 50, 51, 52, 53, 54, 60)))
    let batch = scheduler.schedule()
    #expect(batch.items == [.init(id: 2, range: 10..<12, samples: true)])
    #expect(batch.copies.count == 1)
    #expect(scheduler.sequence(2)?.cachedCount == 10)
    #expect(scheduler.sequence(2)?.pages.last == batch.copies[0].target)
  }

  @Test func aKnownPromptRunsItsLastTokenOnly() throws {
    var scheduler = try scheduler()
    for id in 1...2 {
      scheduler.add(Sequence(id: SequenceID(id), prompt: prompt(8)))
      let batch = scheduler.schedule()
      #expect(batch.items.map(\.range) == [id == 1 ? 0..<8 : 7..<8])
      scheduler.update(batch, sampled: [SequenceID(id): 9])
      scheduler.remove(SequenceID(id))
    }
  }

  @Test func saltsAndRefusalsSeparate() throws {
    var scheduler = try scheduler()
    var attributes = SequenceAttributes()
    for (id, salt, reuses) in [(1, "a", true), (2, "b", true), (3, "a", false), (4, "a", true)] {
      attributes.salt = salt
      attributes.reusesPrefix = reuses
      scheduler.add(
        Sequence(id: SequenceID(id), prompt: prompt(9), attributes: attributes))
      let batch = scheduler.schedule()
      #expect(batch.items.map(\.range.count) == [id == 4 ? 1 : 9])
      scheduler.update(batch, sampled: [SequenceID(id): 9])
      scheduler.remove(SequenceID(id))
    }
  }

  @Test func theLongestUnusedGoesFirst() throws {
    var scheduler = try scheduler(pages: 6)
    for (id, first) in [(1, 100), (2, 200)] {
      scheduler.add(
        Sequence(id: SequenceID(id), prompt: (0..<8).map { TokenID(first + $0) }))
      scheduler.update(scheduler.schedule(), sampled: [:])
      scheduler.remove(SequenceID(id))
    }
    // Two of four cached pages have to go for these 16 tokens.
    scheduler.add(Sequence(id: 3, prompt: prompt(16)))
    let batch = scheduler.schedule()
    #expect(batch.freedPages.count == 2)
    scheduler.update(batch, sampled: [:])
    scheduler.remove(3)
    scheduler.add(Sequence(id: 4, prompt: (0..<9).map { TokenID(200 + $0) }))
    #expect(scheduler.schedule().items.map(\.range) == [8..<9])
  }

  @Test func aPreemptedSequenceGoesOnWhereItWas() throws {
    var scheduler = try scheduler(sequences: 1, policy: "priority")
    scheduler.add(Sequence(id: 1, prompt: prompt(16)))
    scheduler.update(scheduler.schedule(), sampled: [1: 40])
    var attributes = SequenceAttributes()
    attributes.priority = -1
    scheduler.add(Sequence(id: 2, prompt: prompt(0, 7, 7, 7), attributes: attributes))
    let batch = scheduler.schedule()
    #expect(batch.preempted == [1])
    #expect(batch.items.map(\.id) == [2])
    scheduler.update(batch, sampled: [2: 3])
    scheduler.remove(2)
    #expect(scheduler.schedule().items == [.init(id: 1, range: 16..<17, samples: true)])
  }

  @Test func sharersStandSideBySide() throws {
    var scheduler = try scheduler(sequences: 8)
    for (id, first) in [(1, 0), (2, 100), (3, 0), (4, 100), (5, 0)] {
      scheduler.add(
        Sequence(
          id: SequenceID(id), prompt: (0..<8).map { TokenID(first + $0) } + [TokenID(200 + id)]))
    }
    var sampled: [SequenceID: TokenID] = [:]
    var batch = scheduler.schedule()
    while !batch.items.allSatisfy({ sampled[$0.id] != nil }) || sampled.count < 5 {
      for item in batch.items where item.samples { sampled[item.id] = 1 }
      scheduler.update(batch, sampled: sampled)
      batch = scheduler.schedule()
    }
    #expect(batch.items.map(\.id) == [1, 3, 5, 2, 4] || batch.items.map(\.id) == [2, 4, 1, 3, 5])
  }
}
