import ApusCore
import ApusEngine
import ApusServer
import Dispatch
import Testing

private struct LoadFailure: Error, Equatable {}

@Suite(.serialized) struct LifecycleTests {
  @Test func requestsBeforeTheModelAreToldToWait() async throws {
    let gate = DispatchSemaphore(value: 0)
    let server = try await TestServer(gate: { gate.wait() })
    let health = try await server.get("/health")
    #expect(health.status == 503)
    #expect(try health.json()["error"]?["type"] == "unavailable_error")
    #expect(try await server.post("/v1/completions", completion("a")).status == 503)
    gate.signal()
    while try await server.get("/health").status != 200 {
      try await Task.sleep(for: .milliseconds(20))
    }
    #expect(try await server.post("/v1/completions", completion("a")).status == 200)
    try await server.stop()
  }

  @Test func aModelThatCannotBeLoadedEndsTheServer() async throws {
    let server = try await TestServer(gate: { throw LoadFailure() })
    await #expect(throws: LoadFailure.self) { try await server.task.value }
  }

  @Test func anAddressInUseEndsTheServer() async throws {
    let first = try await TestServer.ready()
    var configuration = ServerConfiguration()
    configuration.port = first.port
    configuration.logLevel = .critical
    let second = Server(configuration: configuration, load: { throw LoadFailure() })
    await #expect(throws: (any Error).self) { try await second.run() }
    try await first.stop()
  }

  @Test func runningRequestsAreFinishedAndNewOnesRefused() async throws {
    var configuration = ServerConfiguration()
    // On a busy machine the answer takes longer than the usual deadline.
    configuration.shutdownDeadline = .seconds(600)
    let server = try await TestServer.ready(configuration: configuration, engine: .slow)
    let body = chat("Hello", [("stream", true), ("max_tokens", 1500), ("ignore_eos", true)])
    async let running = server.post("/v1/chat/completions", body)
    try await server.waitUntilRunning()
    await server.group.triggerGracefulShutdown()
    // The signal is handled by a task of its own.
    while try await server.get("/health").status != 503 {
      try await Task.sleep(for: .milliseconds(5))
    }
    let refused = try await server.post("/v1/chat/completions", body)
    #expect(refused.status == 503)
    #expect(try refused.json()["error"]?["type"] == "unavailable_error")
    let response = try await running
    #expect(response.events.last == "[DONE]")
    #expect(try response.chunks().last?["choices"]?[0]?["finish_reason"] == "length")
    try await server.task.value
  }

  @Test func theDeadlineEndsWhatStillRuns() async throws {
    var configuration = ServerConfiguration()
    configuration.shutdownDeadline = .milliseconds(1)
    let server = try await TestServer.ready(configuration: configuration, engine: .slow)
    let body = chat("Hello", [("stream", true), ("max_tokens", 1900), ("ignore_eos", true)])
    async let running = server.post("/v1/chat/completions", body)
    try await server.waitUntilRunning()
    try await server.stop()
    let response = try await running
    #expect(response.events.last == "[DONE]")
    #expect(try response.chunks().last?["error"]?["type"] == "unavailable_error")
  }
}
