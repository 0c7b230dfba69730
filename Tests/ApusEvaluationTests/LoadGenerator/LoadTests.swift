import ApusCore
import ApusEvaluation
import Testing

/// Whole runs against a server in this process.
@Suite(.serialized) struct LoadTests {
  private func requests(_ count: Int, input: Int = 20, output: Int = 4) throws -> [LoadRequest] {
    var options = DatasetOptions()
    (options.count, options.inputLength, options.outputLength) = (count, input, output)
    return try Dataset.random.requests(options)
  }

  private func benchmark(_ client: LoadClient, _ requests: [LoadRequest], rate: Double = .infinity)
    -> LoadBenchmark
  {
    LoadBenchmark(
      client, RequestBody(endpoint: .completions, model: "m", ignoreEOS: true), requests,
      PromptWriter(), Arrivals(rate: rate))
  }

  /// One run, its figures and the server after it.
  private func run(
    _ requests: [LoadRequest], rate: Double = .infinity, timeout: Double = 10,
    concurrency: Int = .max, closesIdle: Bool = false,
    _ script: @escaping @Sendable (ScriptedServer.Call) -> [ScriptedServer.Step]
  ) async throws -> (ServingMetrics, ScriptedServer) {
    let server = try await ScriptedServer(closesIdle: closesIdle, script)
    let client = try server.client(timeout: timeout)
    var benchmark = benchmark(client, requests, rate: rate)
    benchmark.options.maxConcurrency = concurrency
    let run = await benchmark.run()
    try await client.shutdown()
    try await server.stop()
    return (ServingMetrics(run, objective: ServiceObjective()), server)
  }

  @Test func answersAreMeasured() async throws {
    let (metrics, server) = try await run(requests(8)) { call in
      Script.answer(to: call, first: 60, gap: 20)
    }
    #expect(metrics.completed == 8 && metrics.failed == 0, "\(metrics.failures)")
    #expect(metrics.inputTokens == 160 && metrics.countsInput)
    #expect(metrics.outputTokens == 32 && metrics.countsOutput)
    // Timers end late, not early; how late depends on the machine.
    #expect(metrics.milliseconds(.ttft, percentile: 0) >= 59)
    #expect(metrics.milliseconds(.tpot, percentile: 0) > 0)
    #expect(metrics.milliseconds(.e2el, percentile: 0) >= 118)
    #expect(metrics.times[.itl]?.count == 24)
    let call = try #require(server.calls.first)
    #expect(call.path == "/v1/completions" && call.method == "POST")
    #expect(call.body["max_tokens"] == 4 && call.body["stream"] == true)
    #expect(call.body["ignore_eos"] == true && call.body["model"] == "m")
    #expect(Set(server.calls.map { Script.words($0) }).count == 8)
  }

  /// All arrive while the first one is still waiting for its answer.
  @Test func theLoopIsOpen() async throws {
    let (metrics, server) = try await run(requests(300, input: 4, output: 1)) { call in
      Script.answer(to: call, first: 1500)
    }
    #expect(metrics.completed == 300, "\(metrics.failures)")
    #expect(server.mostAtOnce == 300)
    #expect(metrics.mostAtOnce == 300)
  }

  @Test func concurrencyIsLimited() async throws {
    let (metrics, server) = try await run(requests(30), concurrency: 3) { call in
      Script.answer(to: call, first: 10)
    }
    #expect(metrics.completed == 30)
    #expect(server.mostAtOnce <= 3 && metrics.mostAtOnce == 3)
    #expect(server.connections <= 3)
  }

  @Test func requestsComeAtTheRate() async throws {
    let (metrics, _) = try await run(requests(40), rate: 80) { Script.answer(to: $0) }
    #expect(metrics.completed == 40)
    #expect(metrics.duration >= 0.49)
  }

  @Test func eventsMayBeSplitAnywhere() async throws {
    let (metrics, _) = try await run(requests(3)) { call in
      var bytes = Script.chunk("é") + Array(": ping\r\n\r\n".utf8) + Script.chunk("b")
      bytes += Script.ending(prompt: 20, completion: 2)
      return [.head(200, type: "text/event-stream; charset=utf-8")]
        + bytes.map { .bytes([$0]) } + [.end]
    }
    #expect(metrics.completed == 3, "\(metrics.failures)")
    #expect(metrics.times[.itl]?.count == 3)
  }

  @Test func failuresAreCountedByKind() async throws {
    let turn = Counter()
    let (metrics, _) = try await run(requests(12), timeout: 1) { call in
      let stream = ScriptedServer.Step.head(200, type: "text/event-stream")
      let piece = ScriptedServer.Step.bytes(Script.chunk("a"))
      switch turn.next() {
      case 0: return Script.json(["error": ["message": "full"]], status: 429)
      case 1: return Script.json(["error": ["message": "broken"]], status: 500)
      case 2: return [stream, piece, .wait(30), .drop]
      case 3: return [stream, .bytes(Array("data: {\"choices\"\n\n".utf8)), .wait(5000), .end]
      case 4: return [stream, piece, .wait(5000), .end]
      case 5: return [stream, .bytes(Script.event(["error": ["message": "lost"]])), .end]
      case 6: return [stream, piece, .end]
      case 7: return Script.json(["choices": [["text": "whole"]]])
      case 8: return [stream, .bytes(Array("data: [DONE]\n\n".utf8)), .end]
      case 9: return [.wait(5000), .end]
      case 10:
        // Pings are no progress.
        let ping = [ScriptedServer.Step.wait(100), .bytes(Array(": ping\n\n".utf8))]
        return [stream] + Array(repeating: ping, count: 20).flatMap { $0 } + [.end]
      default: return Script.answer(to: call)
      }
    }
    #expect(metrics.completed == 1)
    let kinds = Dictionary(uniqueKeysWithValues: metrics.failures.map { ($0.kind, $0.count) })
    #expect(
      kinds == [
        "HTTP status 429": 1, "HTTP status 500": 1, "connection closed by the server": 1,
        "malformed stream": 1, "stalled": 3, "error in the stream": 1, "stream ended early": 1,
        "answer is no event stream": 1, "no token arrived": 1,
      ])
    #expect(metrics.failures.first?.kind == "stalled")
    #expect(metrics.failures.contains { $0.first.description == "HTTP status 429: full" })
  }

  @Test func nothingListens() async throws {
    let server = try await ScriptedServer { Script.answer(to: $0) }
    let client = try server.client()
    try await server.stop()
    var benchmark = benchmark(client, try requests(5))
    let metrics = ServingMetrics(await benchmark.run(), objective: ServiceObjective())
    try await client.shutdown()
    #expect(metrics.completed == 0 && metrics.failed == 5)
    #expect(metrics.failures.map(\.kind) == ["connection refused"])
  }

  /// The server closes connections after each answer without having said so.
  @Test func staleConnectionsAreNoFailures() async throws {
    let (metrics, server) = try await run(
      requests(20, output: 2), concurrency: 1, closesIdle: true
    ) { Script.answer(to: $0) }
    #expect(metrics.completed == 20, "\(metrics.failures)")
    #expect(server.connections >= 20)
  }

  @Test func cancellingKeepsWhatThereIs() async throws {
    let server = try await ScriptedServer { call in
      Script.words(call).count == 30
        ? [.head(200, type: "text/event-stream"), .wait(60_000), .end] : Script.answer(to: call)
    }
    let client = try server.client()
    var all = try requests(4)
    all += try requests(3, input: 30)
    let benchmark = benchmark(client, all)
    let finished = Counter()
    let task = Task {
      var benchmark = benchmark
      return await benchmark.run { finished.set($0.finished) }
    }
    while server.calls.count < 7 || finished.value < 4 {
      try await Task.sleep(for: .milliseconds(10))
    }
    task.cancel()
    let metrics = ServingMetrics(await task.value, objective: ServiceObjective())
    #expect(metrics.isStopped && metrics.completed == 4 && metrics.abandoned == 3)
    #expect(metrics.failed == 0 && metrics.planned == 7)
    try await client.shutdown()
    try await server.stop()
  }

  /// A run stops when so many requests have missed the objective that it cannot attain any more.
  @Test func hopelessRunsEndEarly() async throws {
    let server = try await ScriptedServer { Script.answer(to: $0, first: 30) }
    let client = try server.client()
    var benchmark = benchmark(client, try requests(1000), rate: 50)
    benchmark.options.objective = ServiceObjective(timeToFirstToken: 1)
    let run = await benchmark.run(allowedMisses: 10)
    #expect(run.isStopped && run.records.count < 200)
    #expect(run.records.count >= 11)
    try await client.shutdown()
    try await server.stop()
  }

  @Test func roundsShareNoText() async throws {
    let server = try await ScriptedServer { Script.answer(to: $0) }
    let client = try server.client()
    var benchmark = benchmark(client, try requests(5))
    for _ in 0..<2 { _ = await benchmark.run(rate: 1000) }
    #expect(Set(server.calls.map { Script.words($0) }).count == 10)
    try await client.shutdown()
    try await server.stop()
  }
}
