import ApusCore
import ApusServer
import Foundation
import Testing

@Suite(.serialized) struct RequestLogTests {
  private static func server(
    _ log: LogLines, _ change: (inout ServerConfiguration) -> Void = { _ in }
  ) async throws -> TestServer {
    var configuration = ServerConfiguration()
    configuration.logFormat = .json
    configuration.logLevel = .trace
    configuration.logWriter = log.add
    configuration.apiKeys = ["sk-test"]
    change(&configuration)
    return try await TestServer.ready(configuration: configuration)
  }

  private static func headers(_ id: String) -> [(String, String)] {
    [("X-Request-Id", id), ("Authorization", "Bearer sk-test")]
  }

  @Test func everyRequestIsALine() async throws {
    let log = LogLines()
    let server = try await Self.server(log)
    let body = chat("Hello", [("ignore_eos", true)])
    let whole = try await server.post("/v1/chat/completions", body, headers: Self.headers("a-1"))
    #expect(whole.headers["x-request-id"] == "a-1")
    let usage = try #require(try whole.json()["usage"])
    var streamed = body.objectValue ?? JSONObject()
    streamed["stream"] = true
    let stream = try await server.post(
      "/v1/chat/completions", .object(streamed), headers: Self.headers("a-2"))
    #expect(stream.headers["x-request-id"] == "a-2")
    for id in ["a-1", "a-2"] {
      let line = try await log.request(id)
      #expect(line["level"] == "info")
      #expect(line["method"] == "POST")
      #expect(line["path"] == "/v1/chat/completions")
      #expect(line["status"] == 200)
      #expect(line["key"] == "argument-1")
      #expect(line["client"] == "127.0.0.1")
      #expect(line["prompt_tokens"] == usage["prompt_tokens"])
      #expect(line["output_tokens"] == 8)
      #expect(line["finish"] == "length")
      let (first, all) = (line["ttft_ms"]?.doubleValue, line["duration_ms"]?.doubleValue)
      #expect(try #require(first) > 0)
      #expect(try #require(all) >= first!)
    }
    let refused = try await server.post(
      "/v1/chat/completions", chat("Hello", [("top_p", 7)]), headers: Self.headers("a-3"))
    #expect(refused.status == 400)
    let line = try await log.request("a-3")
    #expect(line["status"] == 400)
    #expect(line["error"] == "invalid_request_error")
    _ = try await server.get("/health", headers: Self.headers("a-4"))
    #expect(try await log.request("a-4")["level"] == "debug")
    #expect(try log.requests().filter { $0["id"] == "a-1" }.count == 1)
    try await server.stop()
  }

  @Test func aClientThatGoesIsALine() async throws {
    let log = LogLines()
    let server = try await Self.server(log) { $0.apiKeys = [] }
    let body = completion("a", [("stream", true), ("ignore_eos", true), ("max_tokens", 2000)])
    try await RawClient.abandon("/v1/completions", port: server.port, body: body.utf8) {
      String(decoding: $0, as: UTF8.self).contains("data: ")
    }
    while try log.requests().first(where: { $0["path"] == "/v1/completions" }) == nil {
      try await Task.sleep(for: .milliseconds(5))
    }
    let line = try #require(try log.requests().first { $0["path"] == "/v1/completions" })
    #expect(line["status"] == nil)
    #expect(line["error"] != nil)
    #expect((line["output_tokens"]?.intValue ?? 2000) < 2000)
    try await server.stop()
  }

  /// At the most talkative level, in answers, streams and errors.
  @Test func textsOfRequestsAreLoggedOnlyWhereAskedFor() async throws {
    for logPrompts in [false, true] {
      let log = LogLines()
      let server = try await Self.server(log) { $0.logPrompts = logPrompts }
      let secret: JSONValue = "Xylophon7 wrote this"
      for (index, (path, body)) in [
        ("/v1/chat/completions", chat("Xylophon7")),
        ("/v1/chat/completions", chat("Xylophon7", [("stream", true)])),
        ("/v1/completions", completion(secret)), ("/v1/completions", completion(["Xylophon7": 1])),
        ("/v1/chat/completions", ["messages": [["role": "Xylophon7", "content": "Xylophon7"]]]),
        ("/tokenize", ["content": secret]), ("/apply-template", chat("Xylophon7")),
      ].enumerated() {
        _ = try await server.post(path, body, headers: Self.headers("p-\(index)"))
        let line = try await log.request("p-\(index)")
        #expect((line["body"] != nil) == logPrompts)
      }
      #expect(log.text.contains("Xylophon7") == logPrompts, "\(log.text)")
      #expect(!log.text.contains("sk-test"))
      try await server.stop()
    }
  }

  @Test func idsAreTheClientsOrNew() async throws {
    let server = try await TestServer.shared.value
    for id in ["a", "req_01:AB/c+d=.e", String(repeating: "x", count: 128)] {
      #expect(
        try await server.get("/version", headers: [("x-request-id", id)]).headers["x-request-id"]
          == id)
    }
    var made: Set<String> = []
    for id in ["", "a b", "a\"b", String(repeating: "x", count: 129)] {
      let given = try await server.get("/version", headers: [("x-request-id", id)])
        .headers["x-request-id"]
      made.insert(try #require(given))
      #expect(given != id)
    }
    #expect(made.count == 4)
    #expect(made.allSatisfy(RequestID.isValid))
    // Also of errors.
    #expect(try await server.get("/nowhere").headers["x-request-id"] != nil)
  }
}
