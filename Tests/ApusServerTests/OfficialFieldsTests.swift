import ApusCore
import ApusServer
import Testing

/// A field of a public interface with a value that asks for something.
struct OfficialField: Sendable, CustomTestStringConvertible {
  let path: String
  let name: String
  let value: JSONValue
  /// 200 for a field that is honoured or changes no answer, 501 for one that is refused.
  let status: Int

  var testDescription: String { "\(path) \(name)" }

  static let all = chat + completions + responses + messages

  private static func list(
    _ path: String, _ fields: [(String, JSONValue, Int)]
  ) -> [OfficialField] {
    fields.map { OfficialField(path: path, name: $0.0, value: $0.1, status: $0.2) }
  }

  private static let cache: JSONValue = ["mode": "implicit", "ttl": "30m"]

  /// Those of both of OpenAI's chat interfaces.
  private static let shared: [(String, JSONValue, Int)] = [
    ("metadata", ["a": "b"], 200), ("moderation", ["model": "m"], 501), ("model", "reader", 200),
    ("parallel_tool_calls", false, 200), ("prompt_cache_key", "k", 200),
    ("prompt_cache_options", cache, 200), ("prompt_cache_retention", "24h", 200),
    ("safety_identifier", "s", 200), ("service_tier", "flex", 200), ("store", true, 501),
    ("stream", true, 200), ("temperature", 0.3, 200), ("top_p", 0.5, 200), ("user", "u", 200),
  ]

  private static let chat = list("/v1/chat/completions", shared + chatFields)

  private static let chatFields: [(String, JSONValue, Int)] = [
    ("audio", ["voice": "alloy", "format": "wav"], 501), ("frequency_penalty", 0.5, 200),
    ("function_call", ["name": "f"], 501), ("functions", [["name": "f"]], 501),
    ("logit_bias", ["5": 1], 200), ("logprobs", true, 200), ("max_completion_tokens", 2, 200),
    ("max_tokens", 2, 200), ("modalities", ["audio"], 501), ("n", 2, 200),
    ("prediction", ["type": "content", "content": "x"], 200), ("presence_penalty", 0.5, 200),
    ("reasoning_effort", "high", 501), ("response_format", ["type": "json_object"], 501),
    (
      "response_format",
      ["type": "json_schema", "json_schema": ["name": "x", "schema": ["type": "object"]]], 501
    ),
    ("seed", 5, 200), ("stop", ["x"], 200), ("tool_choice", "none", 200),
    ("tools", [["type": "custom", "custom": ["name": "x"]]], 501), ("verbosity", "low", 501),
    ("web_search_options", ["search_context_size": "low"], 501),
  ]

  private static let completions = list(
    "/v1/completions",
    [
      ("best_of", 2, 501), ("echo", true, 200), ("frequency_penalty", 0.5, 200),
      ("logit_bias", ["5": 1], 200), ("logprobs", 2, 200), ("max_tokens", 2, 200),
      ("model", "reader", 200), ("n", 2, 200), ("presence_penalty", 0.5, 200), ("seed", 5, 200),
      ("stop", "x", 200), ("stream", true, 200), ("suffix", "x", 501), ("temperature", 0.3, 200),
      ("top_p", 0.5, 200), ("user", "u", 200),
    ])

  private static let responses = list("/v1/responses", shared + responsesFields)

  private static let responsesFields: [(String, JSONValue, Int)] = [
    ("access_programs", ["x": "y"], 501), ("background", true, 501),
    ("background_options", ["x": "y"], 501), ("context_management", [["type": "x"]], 501),
    ("conversation", "conv_1", 501), ("image", ["x": "y"], 501),
    ("include", ["message.output_text.logprobs"], 501), ("instructions", "Be brief.", 200),
    ("max_output_tokens", 2, 200), ("max_tool_calls", 3, 200),
    ("previous_response_id", "resp_1", 501), ("prompt", ["id": "p"], 501),
    ("reasoning", ["effort": "low"], 501),
    ("text", ["format": ["type": "json_object"]], 501), ("tool_choice", "none", 200),
    ("tools", [["type": "file_search"]], 501), ("top_logprobs", 2, 501),
    ("truncation", "auto", 501),
  ]

  private static let messages = list(
    "/v1/messages",
    [
      ("cache_control", ["type": "ephemeral"], 200), ("container", "c", 501),
      ("context_management", ["edits": [1]], 501), ("diagnostics", ["x": "y"], 501),
      ("inference_geo", "eu", 501), ("max_tokens", 2, 200), ("mcp_servers", [["name": "x"]], 501),
      ("metadata", ["user_id": "u"], 200), ("model", "reader", 200),
      ("output_config", ["format": ["type": "json_schema"]], 501), ("service_tier", "auto", 200),
      ("speed", "fast", 200), ("stop_sequences", ["x"], 200), ("stream", true, 200),
      ("system", "Be brief.", 200), ("temperature", 0.3, 200),
      ("thinking", ["type": "enabled", "budget_tokens": 1024], 501),
      ("tool_choice", ["type": "none"], 200), ("tools", [["type": "web_search_20250305"]], 501),
      ("top_k", 3, 200), ("top_p", 0.5, 200),
    ])
}

@Suite(.serialized) struct OfficialFieldsTests {
  private static func body(_ path: String) -> JSONValue {
    switch path {
    case "/v1/completions": ["prompt": "The cat", "max_tokens": 3]
    case "/v1/responses": ["input": "Hi", "max_output_tokens": 3]
    default: ["messages": [["role": "user", "content": "Hi"]], "max_tokens": 3]
    }
  }

  /// Honoured, without a bearing on the answer, or refused by name: never dropped silently.
  @Test(arguments: OfficialField.all)
  func everyFieldIsHonouredOrRefused(_ field: OfficialField) async throws {
    let server = try await TestServer.shared.value
    guard case .object(var body) = Self.body(field.path) else { return }
    body[field.name] = field.value
    let response = try await server.post(field.path, .object(body))
    #expect(response.status == field.status, "\(response.text)")
    guard field.status != 200 else { return }
    let message = try response.json()["error"]?["message"]?.stringValue ?? ""
    #expect(message.contains("'\(field.name)"), "\(message)")
  }
}
