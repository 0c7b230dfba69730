import ApusCore
import ApusScheduling
import Testing

/// Arrivals, cancellations, finishes and full pools at random, under every policy, with a memory that notes what was
/// written where: no page is lost or owned twice, what a sequence reads is its own text, the budget holds, and every
/// request ends once.
@Suite(.serialized) struct SchedulerSimulationTests {
  static let pageSize = 4
  static let pageCount = 40

  struct Case: Sendable, CustomTestStringConvertible {
    let policy: String
    var batching = Batching.continuous
    var sharing = true
    var timed = false
    var swapSlots = 0
    /// Sequences give up tokens, each head others.
    var evicting = false
    var testDescription: String {
      "\(policy) \(batching) sharing \(sharing) timed \(timed) \(swapSlots) slots evicting \(evicting)"
    }
  }

  static let cases =
    SchedulingPolicies.catalog.names.map { Case(policy: $0) }
    + [
      Case(policy: "stall-free", sharing: false), Case(policy: "stall-free", timed: true),
      Case(policy: "fair", timed: true), Case(policy: "stall-free", batching: .dynamic),
      Case(policy: "stall-free", batching: .static), Case(policy: "stall-free", swapSlots: 20),
      Case(policy: "fair", timed: true, swapSlots: 200), Case(policy: "priority", swapSlots: 60),
      Case(policy: "stall-free", evicting: true),
      Case(policy: "priority", swapSlots: 20, evicting: true),
      Case(policy: "fcfs", sharing: false, evicting: true),
    ]

  @Test(arguments: cases)
  func holdsUnderRandomEvents(_ test: Case) throws {
    var simulation = try Simulation(test)
    for _ in 0..<15_000 { try simulation.round(arrivals: true) }
    var rest = 0
    while !simulation.scheduler.isIdle || simulation.scheduler.isMovingPages {
      try simulation.round(arrivals: false)
      rest += 1
      try #require(rest < 20_000, "requests that never end")
    }
    #expect(simulation.ended == simulation.arrived)
    #expect(simulation.arrived > 500)
    let used = simulation.scheduler.usedPageCount
    #expect(used == 0)
    // Nobody is starved by those who come later.
    if ["fair", "shortest-first", "stall-free", "fcfs", "cache-aware", "splitfuse"].contains(
      test.policy)
    {
      #expect(simulation.longestWait < 3000, "\(simulation.longestWait) rounds")
    }
    if test.sharing { #expect(simulation.hits > 1000) } else { #expect(simulation.hits == 0) }
    if test.evicting { #expect(simulation.evictions > 500) }
    if test.swapSlots > 0 {
      #expect(simulation.stored > 100)
      #expect(simulation.loaded > 100)
    }
  }
}

private struct Simulation {
  var scheduler: Scheduler
  private(set) var arrived = 0
  private(set) var ended = 0
  private(set) var hits = 0
  private(set) var longestWait = 0
  private var random = RandomSource(seed: 5)
  private var goals: [SequenceID: (length: Int, since: Int)] = [:]
  private var memory: [[TokenID]]
  private var swapped: [TokenID: [TokenID]] = [:]
  private var transfers: [PageTransfer] = []
  private(set) var stored = 0
  private(set) var evictions = 0
  /// Sequences that hold other tokens than their text's first.
  private var evicted: Set<SequenceID> = []
  private let isEvicting: Bool
  private(set) var loaded = 0
  private var clock = 0
  private let budget = 16

  init(_ test: SchedulerSimulationTests.Case) throws {
    var configuration = SchedulerConfiguration(
      maxSequences: 5, maxBatchedTokens: budget, pageCount: SchedulerSimulationTests.pageCount,
      pageSize: SchedulerSimulationTests.pageSize,
      policy: try SchedulingPolicies.make(test.policy))
    configuration.sharesPrefixes = test.sharing
    configuration.batching = test.batching
    configuration.swapSlotCount = test.swapSlots
    isEvicting = test.evicting
    if test.timed {
      configuration.cost = StepCost(step: 0.001, token: 0.001, pair: 0.0001)
      configuration.stepTime = 0.012
      configuration.quietStepTime = 0.03
    }
    scheduler = Scheduler(configuration)
    memory = Array(
      repeating: Array(repeating: -1, count: SchedulerSimulationTests.pageSize),
      count: SchedulerSimulationTests.pageCount)
  }

  private mutating func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }

  mutating func round(arrivals: Bool) throws {
    clock += 1
    if arrivals, below(14) == 0 { arrive() }
    if below(100) == 0, let id = goals.keys.sorted().randomElement(using: &random) { end(id) }
    if !transfers.isEmpty, below(3) == 0 { finishTransfer() }
    let batch = scheduler.schedule(at: Double(clock) * 0.01)
    transfers += batch.transfers
    check(batch)
    evicted.subtract(batch.preempted)
    for copy in batch.copies { memory[Int(copy.target)] = memory[Int(copy.source)] }
    var sampled: [SequenceID: TokenID] = [:]
    for item in batch.items {
      let sequence = try #require(scheduler.sequence(item.id))
      hits += item.range.lowerBound == sequence.cachedCount ? sequence.cachedCount : 0
      for index in item.range where !evicted.contains(item.id) {
        memory[Int(sequence.pages[index / 4])][index % 4] = sequence.tokens[index]
      }
      // What attention would read is the sequence's own text.
      for index in 0..<item.range.upperBound where !evicted.contains(item.id) {
        let stored = memory[Int(sequence.pages[index / 4])][index % 4]
        try #require(stored == sequence.tokens[index], "token \(index) of \(item.id)")
      }
      if item.samples { sampled[item.id] = TokenID(below(3)) }
      if let goal = goals[item.id] { longestWait = max(longestWait, clock - goal.since) }
      goals[item.id]?.since = clock
    }
    scheduler.update(batch, sampled: sampled)
    if isEvicting { evict() }
    for sequence in scheduler.running where sequence.tokens.count >= goals[sequence.id]!.length {
      end(sequence.id)
    }
    checkPages()
  }

  /// Some sequences keep less from now on, each of three heads as much as it likes.
  private mutating func evict() {
    for sequence in scheduler.running where sequence.computedCount > 8 && below(10) == 0 {
      let counts = (0..<3).map { _ in below(sequence.computedCount) + 1 }
      guard let (pages, freed) = scheduler.keep(sequence.id, counts: counts) else { continue }
      evicted.insert(sequence.id)
      evictions += 1
      let slots = counts.reduce(0) { $0 + ($1 + 3) / 4 }
      #expect(pages.count * 3 >= slots)
      #expect(Set(freed).isDisjoint(with: pages))
      // Nobody else reads what it writes from now on.
      for page in pages { memory[Int(page)] = [-2, -2, -2, -2] }
    }
  }

  /// One of the transfers in flight ends, now and then with a failure.
  private mutating func finishTransfer() {
    let transfer = transfers.remove(at: below(transfers.count))
    let count = below(8) == 0 ? below(transfer.pages.count) : transfer.pages.count
    for (page, slot) in zip(transfer.pages, transfer.slots).prefix(count) {
      switch transfer.direction {
      case .store: swapped[slot] = memory[Int(page)]
      case .load: memory[Int(page)] = swapped[slot]!
      }
    }
    if transfer.direction == .store { stored += count } else { loaded += count }
    scheduler.finish(transfer.id, completed: count, seconds: 0.0001)
  }

  private mutating func arrive() {
    // Few texts and small changes, so that many begin alike.
    let count = below(40) + 1
    let base = below(4)
    let change = below(50)
    let prompt = (0..<count).map { TokenID($0 == change ? 77 : $0 % 7 + base) }
    var attributes = SequenceAttributes()
    attributes.tenant = "tenant \(below(3))"
    attributes.priority = below(3)
    attributes.salt = below(5) == 0 ? "salt" : ""
    attributes.reusesPrefix = below(10) > 0
    arrived += 1
    let id = SequenceID(arrived)
    goals[id] = (count + below(40) + 1, clock)
    scheduler.add(
      Sequence(id: id, prompt: prompt, limit: 80, attributes: attributes),
      at: Double(clock) * 0.01)
  }

  private mutating func end(_ id: SequenceID) {
    scheduler.remove(id)
    evicted.remove(id)
    goals[id] = nil
    ended += 1
  }

  private func check(_ batch: ScheduledBatch) {
    #expect(batch.tokenCount <= budget)
    #expect(Set(batch.items.map(\.id)).count == batch.items.count)
    #expect(batch.items.allSatisfy { !$0.range.isEmpty })
    // A page that is written belongs to one sequence alone.
    var written: [PageID] = []
    var read: [PageID: Int] = [:]
    for sequence in scheduler.running { for page in sequence.pages { read[page, default: 0] += 1 } }
    for item in batch.items {
      guard let sequence = scheduler.sequence(item.id) else { continue }
      let pages =
        evicted.contains(item.id) ? sequence.pages : item.range.map { sequence.pages[$0 / 4] }
      for page in Set(pages) {
        written.append(page)
        #expect(read[page] == 1)
      }
    }
    #expect(Set(written).count == written.count)
  }

  private func checkPages() {
    let owned = Set(scheduler.running.flatMap(\.pages))
    #expect(owned.count <= scheduler.usedPageCount)
    #expect(owned.count == scheduler.usedPageCount || scheduler.isMovingPages)
    let holders = Dictionary(
      scheduler.running.flatMap(\.pages).map { ($0, 1) }, uniquingKeysWith: +)
    let shared = holders.values.count { $0 > 1 }
    #expect(scheduler.sharedPageCount == shared || scheduler.isMovingPages)
    #expect(scheduler.cachedPageCount + scheduler.usedPageCount <= scheduler.pageCount)
    #expect(
      scheduler.freePageCount + scheduler.cachedPageCount + scheduler.usedPageCount
        == scheduler.pageCount)
    for sequence in scheduler.running { #expect(Set(sequence.pages).count == sequence.pages.count) }
  }
}
