import ApusCore
import ApusEngine
import ApusModels
import Testing

@Suite(.serialized) struct EngineTests {
  private func engine(_ change: (inout EngineConfiguration) -> Void = { _ in }) throws -> Engine {
    var configuration = EngineConfiguration()
    configuration.contextLength = 512
    configuration.threadCount = 2
    change(&configuration)
    return try Engine(Checkpoint.open(Reader.path), configuration: configuration)
  }

  private func tokens(_ engine: Engine, _ request: GenerationRequest) async throws
    -> ([TokenID], FinishReason?, GenerationTimings?)
  {
    var tokens: [TokenID] = []
    for try await event in engine.generate(request) {
      switch event {
      case .token(let token): tokens.append(token.id)
      case .finished(let reason, let timings): return (tokens, reason, timings)
      default: break
      }
    }
    return (tokens, nil, nil)
  }

  private func request(_ count: Int = 20, max: Int? = 8) -> GenerationRequest {
    var request = GenerationRequest(prompt: (0..<TokenID(count)).map { $0 + 10 })
    request.maxTokens = max
    return request
  }

  @Test func endsAtTheLimit() async throws {
    let (tokens, reason, timings) = try await tokens(engine(), request())
    #expect(tokens.count == 8)
    #expect(reason == .length)
    #expect(timings?.promptTokens == 20)
    #expect(timings?.generatedTokens == 8)
  }

  @Test func endsAtAStopToken() async throws {
    let engine = try engine()
    let (all, _, _) = try await tokens(engine, request())
    var stopping = request()
    stopping.stopTokens = [all[3]]
    let first = try #require(all.firstIndex(of: all[3]))
    let (some, reason, _) = try await tokens(engine, stopping)
    #expect(some == Array(all[...first]))
    #expect(reason == .stop)
    stopping.minTokens = 8
    let (forced, _, _) = try await tokens(engine, stopping)
    #expect(forced.count == 8)
    #expect(!forced.prefix(7).contains(all[3]))
  }

  @Test func endsWithTheContext() async throws {
    let (tokens, reason, _) = try await tokens(engine(), request(500, max: nil))
    #expect(tokens.count == 12)
    #expect(reason == .length)
  }

  @Test func refusesBadRequests() async throws {
    let engine = try engine()
    await #expect(throws: EngineError.emptyPrompt) {
      try await tokens(engine, GenerationRequest(prompt: []))
    }
    await #expect(throws: EngineError.promptTooLong(tokens: 512, contextLength: 512)) {
      try await tokens(engine, request(512))
    }
    await #expect(throws: EngineError.self) {
      try await tokens(engine, GenerationRequest(prompt: [-1]))
    }
    await #expect(throws: EngineError.self) {
      try await tokens(engine, GenerationRequest(prompt: [1 << 30]))
    }
    #expect(try await tokens(engine, request()).0.count == 8)
  }

  @Test func seedDecidesTheText() async throws {
    let engine = try engine()
    func text(_ seed: UInt64?) async throws -> [TokenID] {
      var request = request(20, max: 24)
      request.sampling.temperature = 1.5
      request.sampling.seed = seed
      return try await tokens(engine, request).0
    }
    let (a, b, c) = try await (text(1), text(1), text(2))
    #expect(a == b)
    #expect(a != c)
  }

  /// 64 streams at once, 200 of them dropped half-way: every page is free again and the rest is answered.
  @Test func abortedRequestsFreeTheirPages() async throws {
    let engine = try engine { $0.maxSequences = 64 }
    let reference = try await tokens(engine, request(40, max: 30)).0
    var finished = 0
    try await withThrowingTaskGroup(of: Bool.self) { group in
      func add(_ index: Int) {
        group.addTask {
          guard index % 4 != 0 else {
            return try await self.tokens(engine, self.request(40, max: 30)).0 == reference
          }
          var count = 0
          for try await event in engine.generate(self.request(40 + index, max: 200)) {
            if case .token = event { count += 1 }
            if count == index % 7 { break }
          }
          return true
        }
      }
      for index in 0..<64 { add(index) }
      for index in 64..<267 {
        #expect(try await group.next()!)
        finished += 1
        add(index)
      }
      for try await same in group {
        #expect(same)
        finished += 1
      }
    }
    #expect(finished == 267)
    // Cancelled requests are forgotten before the next step.
    for _ in 0..<200 where engine.statistics.usedPages > 0 {
      await engine.synchronize()
      try await Task.sleep(for: .milliseconds(5))
    }
    #expect(engine.statistics.usedPages == 0)
    #expect(engine.statistics.running == 0)
    #expect(engine.statistics.waiting == 0)
  }

  /// Under every policy that looks at all who wait.
  @Test(arguments: ["stall-free", "shortest-first", "cache-aware", "fair"])
  func thousandsMayWait(_ policy: String) async throws {
    let engine = try engine {
      $0.maxSequences = 64
      $0.schedulingPolicy = policy
    }
    let streams = (0..<10_000).map { index in
      var request = GenerationRequest(prompt: [10 + TokenID(index % 50), 3, 4])
      request.maxTokens = 1
      request.scheduling.tenant = "\(index % 7)"
      return engine.generate(request)
    }
    var finished = 0
    for stream in streams {
      for try await event in stream { if case .finished = event { finished += 1 } }
    }
    #expect(finished == 10_000)
  }

  @Test func shutdownRefusesNewRequests() async throws {
    let engine = try engine()
    let stream = engine.generate(request(20, max: 30))
    await engine.shutdown()
    var count = 0
    for try await event in stream { if case .token = event { count += 1 } }
    #expect(count == 30)
    await #expect(throws: EngineError.shuttingDown) { try await tokens(engine, request()) }
  }

  @Test func queueLimit() async throws {
    let engine = try engine {
      $0.maxSequences = 1
      $0.maxWaiting = 1
    }
    let running = engine.generate(request(20, max: 100))
    let waiting = engine.generate(request(20, max: 2))
    await #expect(throws: EngineError.self) { try await tokens(engine, request()) }
    var counts: [Int] = []
    for stream in [running, waiting] {
      var count = 0
      for try await event in stream { if case .token = event { count += 1 } }
      counts.append(count)
    }
    #expect(counts == [100, 2])
    #expect(try await tokens(engine, request()).0.count == 8)
  }
}
