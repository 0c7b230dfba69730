import ApusCore
import ApusServer
import Foundation
import Testing

/// Who may ask, and for how much.
@Suite(.serialized) struct AccessTests {
  private static func key(_ key: String) -> [(String, String)] { [("x-api-key", key)] }

  @Test func answersAreAsLongAsTheKeyAllows() async throws {
    let file = try KeyFile("sk-a name=alice max_tokens=3\nsk-b\n")
    var configuration = ServerConfiguration()
    configuration.apiKeyFile = try APIKeyFile(path: file.path)
    configuration.maxOutputTokens = 5
    let server = try await TestServer.ready(configuration: configuration)
    let open: [(String, JSONValue)] = [("ignore_eos", true), ("max_tokens", .null)]
    for (name, limit) in [("sk-a", 3), ("sk-b", 5)] {
      for (path, body) in [
        ("/v1/chat/completions", chat("Hello", open)), ("/completion", completion("Hello", open)),
        ("/v1/completions", completion("Hello", open)),
        ("/v1/completions", completion("Hello", open + [("max_tokens", -1)])),
      ] {
        let json = try await server.post(path, body, headers: Self.key(name)).json()
        let count = json["usage"]?["completion_tokens"] ?? json["tokens_predicted"]
        #expect(count?.intValue == limit, "\(path) \(json)")
      }
      for field in ["max_tokens", "max_completion_tokens", "min_tokens"] {
        let body = chat("Hello", [("max_tokens", .null), (field, .integer(Int64(limit + 1)))])
        let refused = try await server.post(
          "/v1/chat/completions", body, headers: Self.key(name))
        #expect(refused.status == 400)
        #expect(try refused.json()["error"]?["param"] == .string(field))
      }
      let fits = chat("Hello", [("max_tokens", .integer(Int64(limit)))])
      let answered = try await server.post("/v1/chat/completions", fits, headers: Self.key(name))
      #expect(answered.status == 200)
    }
    try await server.stop()
  }

  @Test func keysAreReadAgainWhenTheFileChanges() async throws {
    let file = try KeyFile("sk-old\n")
    let log = LogLines()
    var configuration = ServerConfiguration()
    configuration.apiKeys = ["sk-fixed"]
    configuration.apiKeyFile = try APIKeyFile(path: file.path)
    configuration.apiKeyInterval = .milliseconds(5)
    configuration.logWriter = log.add
    let server = try await TestServer.ready(configuration: configuration)
    func status(_ key: String) async throws -> Int {
      try await server.get("/v1/models", headers: Self.key(key)).status
    }
    #expect(try await status("sk-old") == 200)
    #expect(try await status("sk-new") == 401)
    try file.write("sk-new\n")
    while try await status("sk-new") != 200 { try await Task.sleep(for: .milliseconds(5)) }
    #expect(try await status("sk-old") == 401)
    // What cannot be read changes nothing, and is told.
    try file.write("sk-broken role=king\n")
    while !log.text.contains("line 1") { try await Task.sleep(for: .milliseconds(5)) }
    #expect(try await status("sk-new") == 200)
    #expect(try await status("sk-broken") == 401)
    #expect(try await status("sk-fixed") == 200)
    try file.remove()
    while !log.text.contains("does not exist") { try await Task.sleep(for: .milliseconds(5)) }
    #expect(try await status("sk-new") == 200)
    #expect(!log.text.contains("sk-"))
    try await server.stop()
  }

  @Test func pagesOfOtherOriginsMayNotCall() async throws {
    let server = try await TestServer.shared.value
    let origin = [("Origin", "https://a.example")]
    let answer = try await server.get("/v1/models", headers: origin)
    #expect(answer.headers["access-control-allow-origin"] == nil)
    let preflight = try await RawClient.request(
      "OPTIONS", "/v1/completions", port: server.port, headers: origin)
    #expect(preflight.status == 405)
    for (site, status) in [
      ("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200),
    ] {
      let response = try await server.post(
        "/v1/completions", completion("a", [("max_tokens", 1)]),
        headers: origin + [("Sec-Fetch-Site", site)])
      #expect(response.status == status, "\(site)")
      if status == 403 {
        #expect(try response.json()["error"]?["type"] == "permission_error")
      }
    }
  }

  @Test func namedOriginsMayCall() async throws {
    var configuration = ServerConfiguration()
    configuration.corsOrigins = ["https://a.example", "http://localhost:3000"]
    configuration.apiKeys = ["sk"]
    let server = try await TestServer.ready(configuration: configuration)
    for origin in ["https://a.example", "http://localhost:3000"] {
      let headers = [("Origin", origin), ("Sec-Fetch-Site", "cross-site")]
      let preflight = try await RawClient.request(
        "OPTIONS", "/v1/completions", port: server.port,
        headers: headers + [("Access-Control-Request-Headers", "x-stainless-lang")])
      #expect(preflight.status == 204)
      #expect(preflight.headers["access-control-allow-methods"] == "POST")
      #expect(preflight.headers["access-control-allow-headers"] == "x-stainless-lang")
      #expect(preflight.headers["access-control-allow-origin"] == origin)
      let answer = try await server.post(
        "/v1/completions", completion("a"), headers: headers + Self.key("sk"))
      #expect(answer.status == 200)
      #expect(answer.headers["access-control-allow-origin"] == origin)
      #expect(answer.headers["vary"] == "Origin")
      // A page is to see why it was refused.
      let refused = try await server.post("/v1/completions", completion("a"), headers: headers)
      #expect(refused.status == 401)
      #expect(refused.headers["access-control-allow-origin"] == origin)
    }
    let other = try await server.get("/health", headers: [("Origin", "https://b.example")])
    #expect(other.headers["access-control-allow-origin"] == nil)
    #expect(other.headers["vary"] == "Origin")
    try await server.stop()
  }

  @Test func allOriginsMayCallWhereThatIsSaid() async throws {
    var configuration = ServerConfiguration()
    configuration.corsOrigins = ["*"]
    let server = try await TestServer.ready(configuration: configuration)
    let answer = try await server.get("/health", headers: [("Origin", "https://a.example")])
    #expect(answer.headers["access-control-allow-origin"] == "*")
    try await server.stop()
  }

  @Test func originsAreChecked() {
    for text in ["*", "https://a.example", "http://localhost:3000", "chrome-extension://abc"] {
      #expect(ServerConfiguration.isOrigin(text), "\(text)")
    }
    for text in ["", "a.example", "https://", "https://a.example/", "https://a b", "https://a,b"] {
      #expect(!ServerConfiguration.isOrigin(text), "\(text)")
    }
  }

  /// Answers, errors, streams and what is refused before it is a request.
  @Test func everyAnswerHasSecurityHeaders() async throws {
    let server = try await TestServer.shared.value
    let stream = completion("a", [("stream", true), ("max_tokens", 1)])
    for response in [
      try await server.get("/"), try await server.get("/health"), try await server.get("/nowhere"),
      try await server.get("/v1/completions"), try await server.post("/v1/completions", [:]),
      try await server.post("/v1/completions", stream),
      try await RawClient.send("nonsense\r\n\r\n", port: server.port),
    ] {
      #expect(response.headers["x-content-type-options"] == "nosniff")
      #expect(response.headers["content-security-policy"]?.contains("default-src 'none'") == true)
      #expect(response.headers["x-frame-options"] == "DENY")
      #expect(response.headers["referrer-policy"] == "no-referrer")
    }
  }
}
