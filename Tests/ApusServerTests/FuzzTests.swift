import ApusCore
import ApusEngine
import ApusServer
import Testing

/// Whatever is sent, the answer is a success or an error in JSON that blames the client.
@Suite(.serialized) struct FuzzTests {
  private static let seeds: [(String, JSONValue)] = [
    (
      "/v1/chat/completions",
      chat(
        "Hi",
        [
          ("stream", true), ("n", 2), ("logprobs", true), ("top_logprobs", 2), ("seed", 1),
          ("stop", ["x", "y"]), ("logit_bias", ["5": 1]), ("tools", []),
          ("stream_options", ["include_usage": true]), ("chat_template_kwargs", ["a": 1]),
        ])
    ),
    (
      "/v1/completions",
      completion(
        ["a", "b"],
        [
          ("echo", true), ("logprobs", 2), ("min_tokens", 1), ("stop_token_ids", [3]),
          ("top_k", 5), ("top_p", 0.9), ("min_p", 0.1), ("typical_p", 0.9),
          ("repetition_penalty", 1.1), ("presence_penalty", 0.5), ("temperature", 0.7),
        ])
    ),
    ("/completion", completion([1, 2, 3])),
    ("/v1/chat/completions", toolChat),
    (
      "/v1/responses",
      [
        "input": [
          ["role": "user", "content": [["type": "input_text", "text": "Hi"]]],
          ["type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"],
          ["type": "function_call_output", "call_id": "1", "output": "x"],
          ["type": "reasoning", "summary": []],
        ], "instructions": "x", "max_output_tokens": 8, "stream": true, "temperature": 0,
        "tools": [["type": "function", "name": "f", "parameters": [:]]], "tool_choice": "auto",
        "text": ["format": ["type": "text"]], "reasoning": ["effort": "none"],
      ]
    ),
    (
      "/v1/messages",
      [
        "messages": [
          ["role": "user", "content": [["type": "text", "text": "Hi"]]],
          [
            "role": "assistant",
            "content": [["type": "tool_use", "id": "1", "name": "f", "input": [:]]],
          ],
          ["role": "user", "content": [["type": "tool_result", "tool_use_id": "1"]]],
        ], "system": [["type": "text", "text": "x"]], "max_tokens": 8, "stream": true,
        "tools": [["name": "f", "input_schema": ["type": "object"]]],
        "tool_choice": ["type": "auto"], "thinking": ["type": "disabled"],
        "stop_sequences": ["x"], "metadata": ["user_id": "u"],
      ]
    ),
    ("/v1/messages/count_tokens", ["messages": [["role": "user", "content": "Hi"]]]),
    ("/infill", ["input_prefix": "a", "input_suffix": "b", "input_extra": [["text": "c"]]]),
    ("/tokenize", ["content": "abc", "with_pieces": true]),
    ("/detokenize", ["tokens": [1, 2, 3]]),
    ("/apply-template", chat("Hi")),
  ]

  private static var toolChat: JSONValue {
    chat(
      "Hi",
      [
        ("tools", [["type": "function", "function": ["name": "f", "parameters": [:]]]]),
        ("tool_choice", ["type": "function", "function": ["name": "f"]]),
        ("parallel_tool_calls", true), ("reasoning_format", "deepseek"), ("stream", true),
        ("reasoning_effort", "medium"), ("prediction", ["content": "x"]),
      ])
  }

  private static let values: [JSONValue] = [
    .null, true, false, 0, 1, -1, 3, 2_147_483_648, .integer(.max), .integer(.min), 0.5, -0.5,
    1e300, 1e-300, "", "x", "\u{0}\u{FFFF}", "\u{1F468}\u{200D}\u{1F469}", [], [[]], [1], ["a"],
    [[1], ["a"]], [:], ["a": 1], ["role": "user"], [["role": "user", "content": "x"]],
    [[:]], ["type": "text"], ["1": 0.5],
  ]

  @Test func mutatedBodiesAreAnsweredOrRefused() async throws {
    var engine = EngineConfiguration()
    engine.contextLength = 64
    let server = try await TestServer.ready(engine: engine)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<600 {
        if index >= 8 { try await group.next() }
        group.addTask {
          var random = RandomSource(seed: UInt64(index))
          let (path, seed) = Self.seeds[Self.pick(Self.seeds.count, &random)]
          let body = Self.mutated(seed, &random)
          let response = try await RawClient.request(
            "POST", path, port: server.port, body: body)
          let text = String(decoding: body, as: UTF8.self)
          #expect(
            response.status == 200 || (400..<500).contains(response.status)
              || response.status == 501, "\(index): \(response.status) \(path) \(text)")
          if response.status != 200 {
            #expect(try response.json()["error"]?["message"]?.stringValue != nil, "\(text)")
          } else if response.headers["content-type"] == "application/json" {
            _ = try response.json()
          } else {
            for chunk in try response.chunks() { #expect(chunk["error"] == nil, "\(text)") }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await server.becomesIdle())
    try await server.stop()
  }

  private static func pick(_ count: Int, _ random: inout RandomSource) -> Int {
    min(Int(random.nextUnit() * Double(count)), count - 1)
  }

  /// Another value, or one with another value somewhere inside.
  private static func changed(_ value: JSONValue, _ random: inout RandomSource) -> JSONValue {
    switch value {
    case .array(var elements) where !elements.isEmpty && pick(2, &random) > 0:
      let index = pick(elements.count, &random)
      elements[index] = changed(elements[index], &random)
      return .array(elements)
    case .object(var object) where object.count > 0 && pick(2, &random) > 0:
      let key = object.keys[pick(object.count, &random)]
      object[key] = changed(object[key] ?? .null, &random)
      return .object(object)
    default: return values[pick(values.count, &random)]
    }
  }

  /// Other values in some fields, or other bytes in the text.
  private static func mutated(_ seed: JSONValue, _ random: inout RandomSource) -> [UInt8] {
    guard pick(3, &random) > 0, case .object(var object) = seed else {
      var bytes = seed.utf8
      for _ in 0...pick(4, &random) {
        let index = pick(bytes.count, &random)
        switch pick(3, &random) {
        case 0: bytes[index] = UInt8(pick(256, &random))
        case 1: bytes.remove(at: index)
        default: bytes.insert(bytes[pick(bytes.count, &random)], at: index)
        }
      }
      return bytes
    }
    for _ in 0...pick(3, &random) {
      let key = object.keys[pick(object.count, &random)]
      object[key] = changed(object[key] ?? .null, &random)
    }
    return JSONValue.object(object).utf8
  }
}
