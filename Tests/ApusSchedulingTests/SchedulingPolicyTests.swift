import ApusCore
import ApusScheduling
import Foundation
import Testing

@Suite(.serialized) struct SchedulingPolicyTests {
  private static func scheduler(_ policy: String, sequences: Int = 4, budget: Int = 16) throws
    -> Scheduler
  {
    var configuration = SchedulerConfiguration(
      maxSequences: sequences, maxBatchedTokens: budget, pageCount: 64, pageSize: 4,
      policy: try SchedulingPolicies.make(policy))
    configuration.sharesPrefixes = true
    return Scheduler(configuration)
  }

  private func prompt(_ count: Int, _ seed: Int) -> [TokenID] {
    (0..<count).map { TokenID(seed * 1000 + $0) }
  }

  private func sequence(
    _ id: SequenceID, _ count: Int, tenant: String = "", priority: Int = 0
  ) -> Sequence {
    var attributes = SequenceAttributes()
    attributes.tenant = tenant
    attributes.priority = priority
    return Sequence(id: id, prompt: prompt(count, Int(id)), attributes: attributes)
  }

  /// Every file of the folder is in the list.
  @Test func allFilesAreRegistered() throws {
    var root = URL(filePath: #filePath)
    for _ in 0..<3 { root.deleteLastPathComponent() }
    let folder = root.appending(path: "Sources/ApusScheduling/Policies")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .map { $0.replacing(".swift", with: "") }
    let types = SchedulingPolicies.catalog.entries.map { String(describing: $0.element) }
    #expect(files.sorted() == types.sorted())
  }

  @Test func unknownNamesAndOptionsAreRefused() {
    for (text, part) in [
      ("fastest", "valid: stall-free, fcfs"), ("fcfs:x=1", "fcfs takes no options, not 'x'"),
      ("fair:x=1", "valid: generated, quantum"),
      ("fair:quantum=-1", "give a number from 1.0 to"), ("fair:quantum", "key=value"),
    ] {
      let error = #expect(throws: CatalogError.self) { try SchedulingPolicies.make(text) }
      #expect(error?.description.contains(part) == true, "\(text)")
    }
  }

  @Test func firstComeFirstServedLetsAPromptPassAnAnswer() throws {
    var scheduler = try Self.scheduler("fcfs")
    scheduler.add(sequence(1, 40))
    scheduler.add(sequence(2, 2))
    var batch = scheduler.schedule()
    #expect(batch.items == [.init(id: 1, range: 0..<16, samples: false)])
    scheduler.update(batch, sampled: [:])
    batch = scheduler.schedule()
    #expect(batch.items == [.init(id: 1, range: 16..<32, samples: false)])
  }

  @Test func shortestFirstAges() throws {
    var scheduler = try Self.scheduler("shortest-first:ageing=10", sequences: 1)
    scheduler.add(sequence(1, 14), at: 0)
    scheduler.add(sequence(2, 4), at: 0.5)
    #expect(scheduler.schedule(at: 1).items.map(\.id) == [2])
    scheduler.remove(2)
    scheduler.add(sequence(3, 4), at: 1.5)
    // 14 tokens and 1.6 seconds against 4 and 0.1: the long one's turn.
    #expect(scheduler.schedule(at: 1.6).items.map(\.id) == [1])
  }

  @Test func cacheAwarePrefersWhatIsStored() throws {
    var scheduler = try Self.scheduler("cache-aware", sequences: 1)
    scheduler.add(sequence(2, 9))
    scheduler.update(scheduler.schedule(), sampled: [2: 1])
    scheduler.remove(2)
    scheduler.add(sequence(3, 9))
    var again = Sequence(id: 4, prompt: prompt(9, 2))
    again.tokens.append(5)
    scheduler.add(again)
    #expect(scheduler.schedule().items.map(\.id) == [4])
  }

  @Test func priorityTakesPlaces() throws {
    var scheduler = try Self.scheduler("priority", sequences: 1)
    scheduler.add(sequence(1, 4, priority: 1))
    scheduler.update(scheduler.schedule(), sampled: [1: 9])
    scheduler.add(sequence(2, 4, priority: 1))
    #expect(scheduler.schedule().items.map(\.id) == [1])
    scheduler.add(sequence(3, 4, priority: 0))
    let batch = scheduler.schedule()
    #expect(batch.items.map(\.id) == [3])
    #expect(batch.preempted == [1])
  }

  /// One tenant sends ten times as much; the other gets what it asks for, up to its half.
  @Test func fairTenantsShareAlike() throws {
    var scheduler = try Self.scheduler("fair:quantum=64", sequences: 4, budget: 32)
    var served = ["heavy": 0, "light": 0]
    var next: SequenceID = 1
    for round in 0..<2000 {
      if round % 2 == 0 {
        for tenant in Array(repeating: "heavy", count: 5) + (round % 4 == 0 ? ["light"] : []) {
          scheduler.add(sequence(next, 20, tenant: tenant), at: Double(round))
          next += 1
        }
      }
      let batch = scheduler.schedule(at: Double(round))
      var sampled: [SequenceID: TokenID] = [:]
      for item in batch.items {
        let sequence = try #require(scheduler.sequence(item.id))
        served[sequence.attributes.tenant]! += item.range.count
        if item.samples { sampled[item.id] = 1 }
      }
      scheduler.update(batch, sampled: sampled)
      for sequence in scheduler.running where sequence.tokens.count >= 28 {
        scheduler.remove(sequence.id)
      }
    }
    let waitingLight = scheduler.waiting.count { $0.attributes.tenant == "light" }
    #expect(waitingLight < 20, "\(waitingLight) of 500 wait")
    #expect(served["light"]! > 480 * 20)
  }
}
