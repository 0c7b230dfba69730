import ApusCore
import ApusServer
import Foundation
import Testing

@Suite(.serialized) struct EndpointTests {
  @Test func getEndpointsAnswer() async throws {
    let server = try await TestServer.shared.value
    for path in [
      "/", "/health", "/v1/health", "/v1/models", "/models", "/metrics", "/version", "/props",
      "/slots",
    ] {
      let response = try await server.get(path)
      #expect(response.status == 200, "\(path)")
      #expect(response.headers["x-content-type-options"] == "nosniff")
    }
  }

  @Test func unknownPathWrongMethodAndMissingFeatures() async throws {
    let server = try await TestServer.shared.value
    let unknown = try await server.get("/v2/models")
    #expect(unknown.status == 404)
    #expect(try unknown.json()["error"]?["type"] == "not_found_error")
    let wrong = try await server.get("/v1/chat/completions")
    #expect(wrong.status == 405)
    #expect(wrong.headers["allow"] == "POST")
    for path in ["/v1/batches"] {
      let response = try await server.post(path, [:])
      #expect(response.status == 501, "\(path)")
      #expect(try response.json()["error"]?["type"] == "not_supported_error")
    }
  }

  @Test func modelsByListAndName() async throws {
    let server = try await TestServer.shared.value
    let list = try await server.get("/v1/models").json()
    #expect(list["object"] == "list")
    let name = try #require(list["data"]?[0]?["id"]?.stringValue)
    #expect(try await server.get("/v1/models/\(name)").json()["id"] == .string(name))
    #expect(try await server.get("/v1/models/other").status == 404)
  }

  @Test func headHasNoBody() async throws {
    let server = try await TestServer.shared.value
    let response = try await RawClient.request("HEAD", "/health", port: server.port)
    #expect(response.status == 200)
    #expect(response.body.isEmpty)
  }

  @Test func tokensAndBack() async throws {
    let server = try await TestServer.shared.value
    let text: JSONValue = "Ein kurzer Text, 短い文, \u{1F600}"
    let tokens = try await server.post("/tokenize", ["content": text]).json()
    let back = try await server.post("/detokenize", ["tokens": tokens["tokens"] ?? []]).json()
    #expect(back["content"] == text)
    #expect(tokens["count"]?.intValue == tokens["tokens"]?.arrayValue?.count)
    let pieces = try await server.post("/tokenize", ["content": text, "with_pieces": true]).json()
    #expect(pieces["tokens"]?[0]?["id"] == tokens["tokens"]?[0])
  }

  @Test func templateIsAppliedWithoutAnAnswer() async throws {
    let server = try await TestServer.shared.value
    let response = try await server.post("/apply-template", chat("Hello"))
    let prompt = try #require(try response.json()["prompt"]?.stringValue)
    #expect(prompt.contains("Hello"))
    let tokens = try await server.post("/tokenize", chat("Hello")).json()
    #expect((tokens["count"]?.intValue ?? 0) > 0)
  }

  @Test func metricsHaveTheirNames() async throws {
    let server = try await TestServer.shared.value
    _ = try await server.post("/v1/completions", completion("a b c"))
    let text = try await server.get("/metrics").text
    for name in [
      "vllm:num_requests_running{model_name=\"reader\"}", "vllm:num_requests_waiting{",
      "vllm:kv_cache_usage_perc{", "vllm:prefix_cache_queries_total{",
      "vllm:prefix_cache_hits_total{", "vllm:num_preemptions_total{",
      "vllm:time_to_first_token_seconds_bucket{model_name=\"reader\",le=\"0.001\"}",
      "vllm:inter_token_latency_seconds_sum{", "vllm:e2e_request_latency_seconds_count{",
      "vllm:request_queue_time_seconds_count{", "vllm:request_prefill_time_seconds_count{",
      "vllm:prompt_tokens_total{", "vllm:generation_tokens_total{",
      "vllm:request_success_total{model_name=\"reader\",finished_reason=\"length\"}",
    ] {
      #expect(text.contains(name), "\(name)")
    }
  }

  /// To be in the folder is to be in the list.
  @Test func everyEndpointIsListed() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/ApusServer/Endpoints").standardizedFileURL
    let files = try FileManager.default.contentsOfDirectory(atPath: root.path)
      .filter { $0 != "Endpoint.swift" }.map { String($0.dropLast(".swift".count)) }
    #expect(Set(files) == Set(Endpoints.names))
  }

  @Test func keysAreComparedWhole() {
    let key = Array("secret".utf8)
    #expect(Authentication.equal(key, key))
    for other in ["", "s", "secre", "secretsecret", "Secret", "secret "] {
      #expect(!Authentication.equal(Array(other.utf8), key), "\(other)")
    }
  }
}
