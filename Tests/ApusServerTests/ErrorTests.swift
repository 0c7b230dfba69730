import ApusCore
import ApusServer
import Testing

/// A body that must be refused, and how.
struct BadRequest: Sendable, CustomTestStringConvertible {
  let path: String
  let body: String
  var status = 400
  var type = "invalid_request_error"
  var parameter: String?

  var testDescription: String { "\(path) \(body.prefix(80))" }

  static func completion(_ fields: String, _ parameter: String?, status: Int = 400) -> Self {
    BadRequest(
      path: "/v1/completions", body: "{\"prompt\": \"a\", \(fields)}", status: status,
      type: status == 501 ? "not_supported_error" : "invalid_request_error", parameter: parameter)
  }

  static func chat(_ body: String, _ parameter: String?, status: Int = 400) -> Self {
    BadRequest(
      path: "/v1/chat/completions", body: body, status: status,
      type: status == 501 ? "not_supported_error" : "invalid_request_error", parameter: parameter)
  }

  static let all: [BadRequest] = fields + prompts + messages + syntax

  private static let fields: [BadRequest] = [
    completion("\"max_tokens\": \"a\"", "max_tokens"),
    completion("\"max_tokens\": 1.5", "max_tokens"),
    completion("\"max_tokens\": -2", "max_tokens"),
    completion("\"temperature\": -0.1", "temperature"),
    completion("\"temperature\": \"hot\"", "temperature"),
    completion("\"temperature\": true", "temperature"),
    completion("\"top_p\": 1.1", "top_p"),
    completion("\"top_k\": -2", "top_k"),
    completion("\"min_p\": 2", "min_p"),
    completion("\"repetition_penalty\": 0", "repetition_penalty"),
    completion("\"presence_penalty\": 2.5", "presence_penalty"),
    completion("\"seed\": \"x\"", "seed"),
    completion("\"seed\": 99999999999999999999", "seed"),
    completion("\"n\": 0", "n"),
    completion("\"n\": 129", "n"),
    completion("\"stop\": 3", "stop"),
    completion("\"stop\": [\"a\", 1]", "stop"),
    completion("\"stop\": [\"\"]", "stop"),
    completion("\"stop\": \(JSONValue.array(Array(repeating: "x", count: 17)).text)", "stop"),
    completion("\"stop_token_ids\": [-1]", "stop_token_ids"),
    completion("\"logit_bias\": {\"x\": 1}", "logit_bias"),
    completion("\"logit_bias\": {\"1\": 101}", "logit_bias"),
    completion("\"logit_bias\": [[1]]", "logit_bias"),
    completion("\"logprobs\": 21", "logprobs"),
    completion("\"logprobs\": true", "logprobs"),
    completion("\"stream\": \"yes\"", "stream"),
    completion("\"stream_options\": {\"include_usage\": true}", "stream_options"),
    completion(
      "\"stream\": true, \"stream_options\": {\"include_usage\": 1}",
      "stream_options.include_usage"),
    completion("\"min_tokens\": 5, \"max_tokens\": 4", "min_tokens"),
    completion("\"model\": 1", "model"),
    completion("\"priority\": \"high\"", "priority"),
    completion("\"apus\": {\"kv_policy\": \"x\"}", "apus.kv_policy"),
    completion("\"apus\": 1", "apus"),
    completion("\"suffix\": \"x\"", "suffix", status: 501),
    completion("\"suffix\": \"x\", \"echo\": true", "suffix"),
    completion(
      "\"stream\": true, \"stream_options\": {\"include_obfuscation\": true}",
      "stream_options.include_obfuscation", status: 501),
    BadRequest(
      path: "/infill", body: #"{"input_prefix": "a", "input_suffix": "b"}"#, status: 501,
      type: "not_supported_error", parameter: "input_prefix"),
    BadRequest(path: "/infill", body: #"{"input_prefix": "a"}"#, parameter: "input_suffix"),
    BadRequest(
      path: "/infill", body: #"{"input_prefix": "a", "input_suffix": "", "input_extra": [{}]}"#,
      parameter: "input_extra[0].text"),
    completion("\"best_of\": 3", "best_of", status: 501),
    completion("\"guided_json\": {\"type\": \"object\"}", "guided_json", status: 501),
    completion("\"mirostat\": 2", "mirostat", status: 501),
  ]

  private static let prompts: [BadRequest] = [
    BadRequest(path: "/v1/completions", body: "{}", parameter: "prompt"),
    BadRequest(path: "/v1/completions", body: "{\"prompt\": \"\"}", parameter: "prompt"),
    BadRequest(path: "/v1/completions", body: "{\"prompt\": []}", parameter: "prompt"),
    BadRequest(path: "/v1/completions", body: "{\"prompt\": [[]]}", parameter: "prompt"),
    BadRequest(path: "/v1/completions", body: "{\"prompt\": 7}", parameter: "prompt"),
    BadRequest(path: "/v1/completions", body: "{\"prompt\": [1, \"a\"]}", parameter: "prompt"),
    BadRequest(path: "/v1/completions", body: "{\"prompt\": [1.5]}", parameter: "prompt"),
    BadRequest(path: "/v1/completions", body: "{\"prompt\": [-1]}", parameter: "prompt"),
    BadRequest(path: "/v1/completions", body: "{\"prompt\": [2000000000]}", parameter: "prompt"),
    BadRequest(path: "/detokenize", body: "{\"tokens\": [2000000000]}", parameter: "tokens"),
    BadRequest(path: "/tokenize", body: "{}", parameter: "content"),
  ]

  private static let messages: [BadRequest] = [
    chat("{}", "messages"),
    chat("{\"messages\": []}", "messages"),
    chat("{\"messages\": [1]}", "messages[0]"),
    chat("{\"messages\": [{\"content\": \"x\"}]}", "messages[0].role"),
    chat("{\"messages\": [{\"role\": \"boss\", \"content\": \"x\"}]}", "messages[0].role"),
    chat("{\"messages\": [{\"role\": \"user\"}]}", "messages[0].content"),
    chat("{\"messages\": [{\"role\": \"user\", \"content\": 5}]}", "messages[0].content"),
    chat(
      "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\"}]}]}",
      "messages[0].content[0].type", status: 501),
    chat(withHello("\"max_tokens\": 0"), "max_tokens"),
    chat(withHello("\"top_logprobs\": 3"), "top_logprobs"),
    chat(withHello("\"logprobs\": true, \"top_logprobs\": 21"), "top_logprobs"),
    chat(withHello("\"logprobs\": 3"), "logprobs"),
    chat(withHello("\"verbosity\": \"high\""), "verbosity", status: 501),
    chat(withHello("\"reasoning_effort\": \"high\""), "reasoning_effort", status: 501),
    chat(withHello("\"reasoning_effort\": \"huge\""), "reasoning_effort"),
    chat(withHello("\"reasoning_format\": \"other\""), "reasoning_format"),
    chat(withHello("\"store\": true"), "store", status: 501),
    chat(withHello("\"service_tier\": 1"), "service_tier"),
    chat(withHello("\"prediction\": \"x\""), "prediction"),
    chat(
      withHello("\"response_format\": {\"type\": \"json_object\"}"), "response_format",
      status: 501),
    chat(withHello("\"modalities\": [\"text\", \"audio\"]"), "modalities", status: 501),
    chat(withHello("\"functions\": [{\"name\": \"f\"}]"), "functions", status: 501),
  ]

  private static let syntax: [BadRequest] = [
    chat("{", nil), chat("[]", nil), chat("nul", nil), chat("{\"messages\": [}", nil),
    chat("{\"messages\": \"\\ud800\"}", nil),
    chat(String(repeating: "[", count: 100_000), nil),
    chat("{\"a\": 1e999}", nil),
  ]

  private static func withHello(_ fields: String) -> String {
    "{\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}], \(fields)}"
  }
}

@Suite(.serialized) struct ErrorTests {
  @Test(arguments: BadRequest.all)
  func badRequestsAreNamed(_ request: BadRequest) async throws {
    let server = try await TestServer.shared.value
    let response = try await RawClient.request(
      "POST", request.path, port: server.port, body: Array(request.body.utf8))
    #expect(response.status == request.status, "\(response.text)")
    let error = try response.json()["error"]
    #expect(error?["type"] == .string(request.type))
    #expect(error?["code"]?.intValue == request.status)
    #expect(error?["message"]?.stringValue?.isEmpty == false)
    #expect(error?["param"] == (request.parameter.map { .string($0) } ?? .null))
  }

  @Test func invalidUTF8IsRefused() async throws {
    let server = try await TestServer.shared.value
    let body = Array("{\"prompt\": \"".utf8) + [0xC3, 0x28] + Array("\"}".utf8)
    let response = try await RawClient.request(
      "POST", "/v1/completions", port: server.port, body: body)
    #expect(response.status == 400)
  }

  @Test func aPromptThatIsTooLongTellsBothNumbers() async throws {
    let server = try await TestServer.shared.value
    let limit = try #require(server.model?.engine.contextLength)
    let prompt = JSONValue.array(Array(repeating: 5, count: limit + 1))
    for stream in [false, true] {
      let response = try await server.post(
        "/v1/completions", completion(prompt, [("stream", .bool(stream))]))
      #expect(response.status == 400)
      let error = try response.json()["error"]
      #expect(error?["type"] == "exceed_context_size_error")
      #expect(error?["n_prompt_tokens"]?.intValue == limit + 1)
      #expect(error?["n_ctx"]?.intValue == limit)
    }
  }

  @Test func fieldsThatChangeNothingAreAccepted() async throws {
    let server = try await TestServer.shared.value
    let response = try await server.post(
      "/v1/chat/completions",
      chat(
        "Hello",
        [
          ("user", "u"), ("metadata", ["a": "b"]), ("store", false), ("service_tier", "auto"),
          ("priority", 3), ("cache_salt", "s"), ("safety_identifier", "x"),
          ("prompt_cache_key", "k"),
          ("prediction", ["type": "content", "content": "x"]), ("verbosity", "medium"),
          ("reasoning_effort", "none"), ("parallel_tool_calls", false), ("tools", []),
          ("tool_choice", "none"), ("apus", [:]),
          ("response_format", ["type": "text"]), ("top_p", nil), ("mirostat", 0.0),
          ("modalities", ["text"]), ("logit_bias", [:]), ("best_of", 1), ("max_tokens", 1),
        ]))
    #expect(response.status == 200, "\(response.text)")
  }

  @Test func bodiesAreLimited() async throws {
    var configuration = ServerConfiguration()
    configuration.maxBodySize = 1000
    let server = try await TestServer.ready(configuration: configuration)
    let large = completion(.string(String(repeating: "a", count: 2000)))
    let response = try await server.post("/v1/completions", large)
    #expect(response.status == 413)
    #expect(try response.json()["error"]?["code"] == 413)
    // Without a length the body is counted as it comes.
    let text = try await RawClient.onThread {
      let connection = try RawConnection(port: server.port)
      let head = "POST /v1/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
      let chunk = "7d0\r\n" + String(repeating: "a", count: 2000) + "\r\n0\r\n\r\n"
      try connection.send(Array((head + "Transfer-Encoding: chunked\r\n\r\n" + chunk).utf8))
      return try RawClient.parse(connection.receiveAll())
    }
    #expect(text.status == 413)
    // A client that writes all before it reads still gets its answer, also where the body is not wanted.
    let huge = [UInt8](repeating: 0x61, count: 15_000)
    for (path, status) in [("/v1/completions", 413), ("/nowhere", 404), ("/health", 405)] {
      let late = try await RawClient.request("POST", path, port: server.port, body: huge)
      #expect(late.status == status)
    }
    try await server.stop()
  }

  @Test func keysAreAskedFor() async throws {
    var configuration = ServerConfiguration()
    configuration.apiKeys = ["one", "two"]
    let server = try await TestServer.ready(configuration: configuration)
    #expect(try await server.get("/health").status == 200)
    let refused = try await server.get("/v1/models")
    #expect(refused.status == 401)
    #expect(try refused.json()["error"]?["type"] == "authentication_error")
    let wrong = [("Authorization", "Bearer three")]
    #expect(try await server.get("/v1/models", headers: wrong).status == 401)
    for headers in [[("Authorization", "Bearer two")], [("x-api-key", "one")]] {
      #expect(try await server.get("/v1/models", headers: headers).status == 200)
    }
    try await server.stop()
  }
}
