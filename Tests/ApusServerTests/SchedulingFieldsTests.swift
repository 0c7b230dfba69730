import ApusCore
import ApusEngine
import ApusServer
import Testing

/// Fields that say how a request shares the machine.
@Suite(.serialized) struct SchedulingFieldsTests {
  private let text = String(repeating: "The ship carried salt. ", count: 12)

  private func cached(
    _ server: TestServer, _ fields: [(String, JSONValue)] = [], headers: [(String, String)] = []
  ) async throws -> (cached: Int, prompt: Int, text: JSONValue?) {
    let answer = try await server.post(
      "/v1/completions", completion(.string(text), fields), headers: headers
    ).json()
    let usage = answer["usage"]
    return (
      usage?["prompt_tokens_details"]?["cached_tokens"]?.intValue ?? -1,
      usage?["prompt_tokens"]?.intValue ?? -1, answer["choices"]?[0]?["text"]
    )
  }

  @Test func theSecondTimeThePromptIsCached() async throws {
    let server = try await TestServer.ready()
    let first = try await cached(server)
    #expect(first.cached == 0)
    let second = try await cached(server)
    #expect(second.cached == second.prompt - 1)
    #expect(second.text == first.text)
    #expect(try await cached(server, [("cache_salt", "other")]).cached == 0)
    #expect(try await cached(server, [("cache_prompt", false)]).cached == 0)
    #expect(try await cached(server, [("prompt_logprobs", 0)]).cached == 0)
    let metrics = try await server.get("/metrics").text
    #expect(
      metrics.contains("vllm:prefix_cache_hits_total{model_name=\"reader\"} \(second.cached)"))
    try await server.stop()
  }

  @Test func withoutPrefixCacheNothingIs() async throws {
    var engine = EngineConfiguration()
    engine.prefixCache = false
    let server = try await TestServer.ready(engine: engine)
    for _ in 0..<2 { #expect(try await cached(server).cached == 0) }
    try await server.stop()
  }

  @Test func aDeadlineEndsARequest() async throws {
    let server = try await TestServer.ready(engine: .slow)
    let late = try await server.post(
      "/v1/completions",
      completion("The", [("max_tokens", 1000), ("apus", ["deadline_ms": 200])]))
    #expect(late.status == 503)
    #expect(try late.json()["error"]?["type"] == "unavailable_error")
    let inTime = try await server.post(
      "/v1/completions", completion("The", [("max_tokens", 1), ("apus", ["deadline_ms": 600_000])]))
    #expect(inTime.status == 200)
    try await server.stop()
  }
}
