import ApusCore
import ApusEngine
import ApusServer
import Testing

/// Fields that say what is kept and read of a request's keys and values.
@Suite(.serialized) struct KVFieldsTests {
  private static let prompt = JSONValue.array((0..<400).map { .integer(Int64(300 + $0 % 50)) })
  private static let metrics = ["apus:kv_kept_tokens", "apus:kv_bytes", "apus:kv_pages_read"]

  private func check(_ extensions: JSONValue?) {
    #expect(extensions?["exact"] == false)
    #expect(extensions?["methods"] == ["kv-policy:window:budget=64"])
    #expect((64...96).contains(extensions?["kv"]?["kept_tokens"]?.doubleValue ?? 0))
    #expect((2...4).contains(extensions?["kv"]?["pages_read"]?.doubleValue ?? 0))
    #expect(extensions?["kv"]?["bytes"]?.intValue ?? 0 > 0)
  }

  @Test(arguments: ["/v1/completions", "/completion", "/v1/chat/completions"])
  func answersTellWhatWasKept(path: String) async throws {
    let server = try await TestServer.shared.value
    let fields: [(String, JSONValue)] = [("apus", ["kv_policy": "window:budget=64"])]
    func body(_ fields: [(String, JSONValue)]) -> JSONValue {
      path.contains("chat")
        ? chat(String(repeating: "The ship carried salt. ", count: 60), fields)
        : completion(Self.prompt, fields)
    }
    check(try await server.post(path, body(fields)).json()["apus"])
    let pieces = try await server.post(path, body(fields + [("stream", true)])).chunks()
    check(pieces.last { $0["apus"] != nil }?["apus"])
    let exact = try await server.post(path, body([])).json()["apus"]
    #expect(exact == ["exact": true, "methods": []])
  }

  @Test func choicesAddUp() async throws {
    let server = try await TestServer.shared.value
    let fields: [(String, JSONValue)] = [("apus", ["kv_policy": "window:budget=64"]), ("n", 3)]
    let one = try await server.post(
      "/v1/completions", completion(Self.prompt, [fields[0]])
    ).json()["apus"]
    let three = try await server.post("/v1/completions", completion(Self.prompt, fields)).json()
    check(three["apus"])
    let bytes = [one, three["apus"]].map { $0?["kv"]?["bytes"]?.intValue ?? 0 }
    // How much each holds depends on the parts in which its prompt was read.
    #expect(bytes[1] > bytes[0])
  }

  @Test func requestsReplaceWhatTheServerWasStartedWith() async throws {
    var engine = EngineConfiguration()
    engine.kvMethods = try KVMethods(policy: "window:budget=64", selector: "quest:budget=64")
    let server = try await TestServer.ready(engine: engine)
    func methods(_ extensions: JSONValue) async throws -> JSONValue? {
      try await server.post(
        "/v1/completions", completion(Self.prompt, [("apus", extensions)])
      ).json()["apus"]?["methods"]
    }
    #expect(try await methods(["kv_policy": "none"]) == [])
    #expect(try await methods(["select": "none"]) == [])
    #expect(
      try await methods(["kv_policy": "window:budget=96"]) == ["kv-policy:window:budget=96"])
    #expect(try await methods(["select": "quest:budget=128"]) == ["select:quest:budget=128"])
    let own = try await methods([:])?.arrayValue ?? []
    #expect(own.first == "kv-policy:window:budget=64")
    try await server.stop()
  }

  @Test func draftsAreLoadedAtTheStartOnly() async throws {
    let server = try await TestServer.shared.value
    let response = try await server.post(
      "/v1/completions", completion(Self.prompt, [("apus", ["kv_policy": "speckv:budget=64"])]))
    #expect(response.status == 400)
    #expect(try response.json()["error"]?["param"] == "apus.kv_policy")
    #expect(response.text.contains("builtin:reader-draft"))
  }

  @Test func finishedRequestsAreCounted() async throws {
    let server = try await TestServer.ready()
    func counts() async throws -> [Bool] {
      let text = try await server.get("/metrics").text
      return Self.metrics.map { text.contains("\($0)_count{model_name=\"reader\"} 1\n") }
    }
    _ = try await server.post("/v1/completions", completion(Self.prompt))
    #expect(try await counts() == [false, false, false])
    _ = try await server.post(
      "/v1/completions", completion(Self.prompt, [("apus", ["kv_policy": "window:budget=64"])]))
    #expect(try await counts() == [true, true, true])
    let text = try await server.get("/metrics").text
    #expect(text.contains("apus:kv_kept_tokens_bucket{model_name=\"reader\",le=\"16.0\"} 0"))
    #expect(text.contains("apus:kv_kept_tokens_bucket{model_name=\"reader\",le=\"256.0\"} 1"))
    try await server.stop()
  }

  @Test(
    arguments: [
      (["kv_policy": "windy"], "apus.kv_policy", "valid: window"),
      (["kv_policy": "window:budget=0"], "apus.kv_policy", "budget"),
      (["kv_policy": "window:width=1"], "apus.kv_policy", "budget, slack"),
      (["kv_policy": 64], "apus.kv_policy", "a string"),
      (["kv_policy": "duo:heads=/etc/passwd"], "apus.kv_policy", "no file in a request"),
      (["kv_policy": "gemfilter:layer=100"], "apus.kv_policy", "layer 100"),
      (["select": "quests"], "apus.select", "valid: "),
      (["select": "quest:budget=1"], "apus.select", "budget"),
      (["select": ["quest"]], "apus.select", "a string"),
      (["selector": "quest"], "apus.selector", "'select'"),
    ] as [(JSONValue, String, String)])
  func wrongValuesAreNamed(extensions: JSONValue, parameter: String, message: String) async throws {
    let server = try await TestServer.shared.value
    for (path, body) in [
      ("/v1/completions", completion("a", [("apus", extensions)])),
      ("/completion", completion("a", [("apus", extensions)])),
      ("/v1/chat/completions", chat("a", [("apus", extensions)])),
    ] {
      let response = try await server.post(path, body)
      let error = try response.json()["error"]
      #expect(response.status == 400)
      #expect(error?["param"] == .string(parameter))
      #expect(error?["message"]?.stringValue?.contains(message) == true, "\(response.text)")
    }
  }
}
