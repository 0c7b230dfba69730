import ApusCore
import ApusEngine
import ApusServer
import Testing

@Suite(.serialized) struct StreamingTests {
  @Test(arguments: ["/v1/chat/completions", "/v1/completions", "/completion"])
  func piecesMakeTheWhole(_ path: String) async throws {
    let server = try await TestServer.shared.value
    let body = path.contains("chat") ? chat("Hello") : completion("The cat")
    guard case .object(var object) = body else { return }
    object["seed"] = 5
    object["temperature"] = 1
    func text(_ value: JSONValue) -> String? {
      let choice = value["choices"]?[0]
      return
        (value["content"] ?? choice?["text"] ?? choice?["delta"]?["content"]
        ?? choice?["message"]?["content"])?.stringValue
    }
    let whole = try await server.post(path, .object(object)).json()
    object["stream"] = true
    let response = try await server.post(path, .object(object))
    #expect(response.headers["content-type"] == "text/event-stream")
    let pieces = try response.chunks()
    #expect(pieces.compactMap(text).joined() == text(whole))
    #expect(pieces.last?["timings"]?["predicted_n"] == whole["timings"]?["predicted_n"])
    #expect((response.events.last == "[DONE]") == (path != "/completion"))
  }

  @Test func theRoleComesFirstAndTheUsageLast() async throws {
    let server = try await TestServer.shared.value
    let response = try await server.post(
      "/v1/chat/completions",
      chat(
        "Hello",
        [
          ("stream", true), ("stream_options", ["include_usage": true]), ("return_progress", true),
          ("n", 2),
        ]))
    let chunks = try response.chunks()
    for choice in 0..<2 {
      let own = chunks.filter { $0["choices"]?[0]?["index"]?.intValue == choice }
      #expect(own.first?["choices"]?[0]?["delta"]?["role"] == "assistant")
      #expect(own.last?["choices"]?[0]?["finish_reason"] == "length")
      #expect(own.contains { $0["prompt_progress"]?["total"]?.intValue ?? 0 > 0 })
      #expect(own.allSatisfy { $0["usage"] == .null })
    }
    #expect(Set(chunks.compactMap { $0["id"]?.stringValue }).count == 1)
    #expect(chunks.last?["choices"] == [])
    #expect(chunks.last?["usage"]?["completion_tokens"] == 16)
  }

  @Test(arguments: ["/v1/chat/completions", "/v1/completions"])
  func theUsageSoFarIsToldIfAskedFor(path: String) async throws {
    let server = try await TestServer.shared.value
    let fields: [(String, JSONValue)] = [
      ("stream", true), ("n", 2),
      ("stream_options", ["include_usage": true, "continuous_usage_stats": true]),
    ]
    let body = path.contains("chat") ? chat("Hello", fields) : completion("The cat", fields)
    let chunks = try await server.post(path, body).chunks()
    let prompt = chunks.last?["usage"]?["prompt_tokens"]?.intValue
    for choice in 0..<2 {
      let own = chunks.filter { $0["choices"]?[0]?["index"]?.intValue == choice }
      let counts = own.compactMap { $0["usage"]?["completion_tokens"]?.intValue }
      #expect(counts.count == own.count && counts == counts.sorted() && counts.last == 8)
      #expect(own.allSatisfy { $0["usage"]?["prompt_tokens"]?.intValue == prompt })
      #expect(own.last?["usage"]?["total_tokens"]?.intValue == prompt.map { $0 + 8 })
    }
    #expect(chunks.last?["usage"]?["completion_tokens"] == 16)
  }

  @Test func logprobsStreamLikeTheWhole() async throws {
    let server = try await TestServer.shared.value
    let fields: [(String, JSONValue)] = [("logprobs", 2), ("echo", true)]
    let whole = try await server.post("/v1/completions", completion("The cat", fields)).json()
    let response = try await server.post(
      "/v1/completions", completion("The cat", fields + [("stream", true)]))
    let tables = try response.chunks().compactMap { $0["choices"]?[0]?["logprobs"] }
    for name in ["tokens", "token_logprobs", "top_logprobs", "text_offset"] {
      let joined = tables.flatMap { $0[name]?.arrayValue ?? [] }
      #expect(.array(joined) == whole["choices"]?[0]?["logprobs"]?[name], "\(name)")
    }
  }

  @Test func silenceIsFilled() async throws {
    var configuration = ServerConfiguration()
    configuration.pingInterval = .milliseconds(20)
    var engine = EngineConfiguration.slow
    engine.maxBatchedTokens = 8
    let server = try await TestServer.ready(configuration: configuration, engine: engine)
    let prompt = JSONValue.array(Array(repeating: 5, count: 400))
    let response = try await server.post(
      "/v1/completions",
      completion(prompt, [("stream", true), ("max_tokens", 2), ("return_progress", true)]))
    #expect(response.text.contains(": ping\n\n"))
    let progress = try response.chunks().compactMap { $0["prompt_progress"] }
    #expect(progress.count > 10)
    #expect(
      progress.compactMap { $0["processed"]?.intValue }
        == progress.compactMap {
          $0["processed"]?.intValue
        }.sorted())
    #expect(progress.last?["processed"] == 400)
    try await server.stop()
  }
}
