import ApusCore
import ApusEngine
import ApusModels
import CAllocations
import Synchronization
import Testing

/// A step that decodes takes no memory from the system.
@Suite(.serialized) struct AllocationTests {
  @Test(.enabled(if: allocations_of_this_thread() >= 0), arguments: [1, 3])
  func decodingAllocatesNothing(requests: Int) async throws {
    var configuration = EngineConfiguration()
    configuration.contextLength = 1024
    configuration.threadCount = 1
    let engine = try Engine(Checkpoint.open(Reader.path), configuration: configuration)
    var (allocations, steps) = (0, 0)
    for _ in 0..<50 where steps < 200 {
      let taken = try await decode(requests, engine)
      for (a, b) in zip(taken, taken.dropFirst()) where a.steps > 0 && b.steps > a.steps {
        allocations += b.allocations - a.allocations
        steps += b.steps - a.steps
      }
    }
    try #require(steps >= 200)
    // A build for testing is not specialised across modules, which costs some for each sequence; the release build
    // has none (Benchmarks/allocations.sh). Looking costs some too. More than that is a step backwards.
    #expect(allocations <= 8 * requests * steps, "\(allocations) allocations in \(steps) steps")
  }

  /// Counts taken now and then while requests are answered, none of them before the first step or after the last.
  private func decode(_ requests: Int, _ engine: Engine) async throws
    -> [(allocations: Int, steps: Int)]
  {
    let samples = Samples(engine)
    let before = engine.statistics.counters
    for index in 0..<requests {
      var request = GenerationRequest(prompt: (0..<40).map { TokenID($0 + 10 + index) })
      request.maxTokens = 900
      let stream = engine.generate(request)
      Task { for try await _ in stream {} }
    }
    while engine.statistics.counters.finished < before.finished + requests {
      await samples.take()
      try await Task.sleep(for: .milliseconds(5))
    }
    return samples.taken.withLock { $0 }
      .filter { $0.steps > before.steps + 10 && $0.steps < before.steps + 890 }
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
