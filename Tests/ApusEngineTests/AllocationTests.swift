import ApusCore
import ApusEngine
import ApusModels
import CAllocations
import Synchronization
import Testing

/// A step that decodes takes no memory from the system.
@Suite struct AllocationTests {
  @Test(.enabled(if: allocations_of_this_thread() >= 0), arguments: [1, 3])
  func decodingAllocatesNothing(requests: Int) async throws {
    var configuration = EngineConfiguration()
    configuration.contextLength = 1024
    configuration.threadCount = 1
    let engine = try Engine(Checkpoint.open(Reader.path), configuration: configuration)
    let samples = Samples(engine)
    let streams = (0..<requests).map { index in
      var request = GenerationRequest(prompt: (0..<40).map { TokenID($0 + 10 + index) })
      request.maxTokens = 900
      return engine.generate(request)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for stream in streams.dropFirst() {
        group.addTask { for try await _ in stream {} }
      }
      group.addTask {
        var count = 0
        for try await event in streams[0] {
          guard case .token = event else { continue }
          count += 1
          if [1, 100, 800].contains(count) { await samples.take() }
        }
      }
      try await group.waitForAll()
    }
    let taken = samples.taken.withLock { $0 }
    try #require(taken.count == 3)
    let long = taken[2].allocations - taken[1].allocations
    // A build for testing is not specialised across modules, which costs some for each sequence; the release build
    // has none (Benchmarks/allocations.sh). More than that is a step backwards.
    let steps = taken[2].steps - taken[1].steps
    #expect(long <= 7 * requests * steps, "\(long) allocations in \(steps) steps")
  }
}

/// Counts of the engine thread, taken between steps.
private final class Samples: Sendable {
  let taken = Mutex<[(allocations: Int, steps: Int)]>([])
  private let engine: Engine

  init(_ engine: Engine) { self.engine = engine }

  func take() async {
    await engine.onEngineThread { [self] in
      let allocations = allocations_of_this_thread()
      let steps = engine.statistics.counters.steps
      taken.withLock { $0.append((allocations, steps)) }
    }
  }
}
