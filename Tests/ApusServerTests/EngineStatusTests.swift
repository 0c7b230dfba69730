import ApusCore
import ApusServer
import Testing

/// What the page's second tab draws.
@Suite(.serialized) struct EngineStatusTests {
  @Test func figuresAgreeWithWhatRan() async throws {
    let server = try await TestServer.ready()
    let before = try await server.get("/apus/engine").json()
    #expect(before["counters"]?["steps"] == 0)
    #expect(before["steps"] == [])
    let total = try #require(before["pages"]?["total"]?.intValue)
    #expect(total > 0)
    #expect(before["pages"]?["free"]?.intValue == total)

    let answer = try await server.post(
      "/v1/completions", completion("The Marigold carried", [("ignore_eos", true)]))
    #expect(answer.status == 200)
    let prompt = try #require(try answer.json()["usage"]?["prompt_tokens"]?.intValue)
    #expect(try await server.becomesIdle())
    let after = try await server.get("/apus/engine").json()
    #expect(after["counters"]?["generated_tokens"] == 8)
    let steps = try #require(after["steps"]?.arrayValue)
    func sum(_ name: String) -> Int { steps.reduce(0) { $0 + ($1[name]?.intValue ?? 0) } }
    #expect(sum("prefill_tokens") == prompt)
    // The first token of the answer came of the prompt's last.
    #expect(sum("decode_tokens") == 7)
    #expect(sum("decodes") == 7)
    #expect(sum("prefills") == 1)
    #expect(steps.compactMap { $0["number"]?.intValue } == Array(1...8))
    let pages = try #require(after["pages"])
    #expect(pages["used"] == 0)
    #expect(pages["shared"] == 0)
    #expect((pages["cached"]?.intValue ?? 0) > 0)
    #expect(pages["free"]?.intValue == total - (pages["cached"]?.intValue ?? 0))
    for name in ["time_to_first_token", "inter_token_latency", "queue_time"] {
      let histogram = try #require(after["histograms"]?[name])
      let bounds = try #require(histogram["bounds_s"]?.arrayValue)
      #expect(histogram["counts"]?.arrayValue?.count == bounds.count + 1)
    }
    let counts = after["histograms"]?["time_to_first_token"]?["counts"]?.arrayValue
    #expect(counts?.reduce(0) { $0 + ($1.intValue ?? 0) } == 1)
    #expect(after["settings"]?["context_length"]?.intValue == 32768)
    try await server.stop()
  }

  @Test func aKeyIsNeededButForThePage() async throws {
    var configuration = ServerConfiguration()
    configuration.apiKeys = ["secret"]
    let server = try await TestServer.ready(configuration: configuration)
    #expect(try await server.get("/apus/engine").status == 401)
    let headers = [("Authorization", "Bearer secret")]
    #expect(try await server.get("/apus/engine", headers: headers).status == 200)
    #expect(try await server.get("/").status == 200)
    #expect(try await server.get("/web/app.js").status == 200)
    try await server.stop()
  }
}
