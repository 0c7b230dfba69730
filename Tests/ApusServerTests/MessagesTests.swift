import ApusCore
import ApusServer
import Testing

/// Anthropic's messages.
@Suite(.serialized) struct MessagesTests {
  private static let path = "/v1/messages"
  private static let server = Task {
    try await ScriptedServer { $0.reasoningFormat = .deepseek }
  }
  private static let tool: JSONValue = [
    "name": "look", "description": "Does look.",
    "input_schema": ["type": "object", "properties": [:]],
  ]

  private func body(_ fields: [(String, JSONValue)] = []) -> JSONValue {
    var object = JSONObject([
      ("messages", [["role": "user", "content": "Hi"]]), ("max_tokens", 20),
    ])
    for (name, value) in fields { object[name] = value }
    return .object(object)
  }

  @Test func textIsOneBlock() async throws {
    let server = try await Self.server.value
    server.say("Hello there.")
    let (whole, events) = try await server.ask(
      Self.path, body([("system", "Be brief."), ("temperature", 0.5), ("top_k", 3)]))
    #expect(server.prompt.contains("Be brief."))
    #expect(server.request.generation.sampling.topK == 3)
    #expect(whole["type"] == "message" && whole["role"] == "assistant")
    #expect(whole["content"] == [["type": "text", "text": "Hello there."]])
    #expect(whole["stop_reason"] == "end_turn")
    var types = events.compactMap { $0["type"]?.stringValue }
    types.removeAll { $0 == "content_block_delta" }
    #expect(
      types == [
        "message_start", "content_block_start", "content_block_stop", "message_delta",
        "message_stop",
      ])
    let text = events.compactMap { $0["delta"]?["text"]?.stringValue }.joined()
    #expect(text == "Hello there.")
    let started = events.first?["message"]
    #expect(started?["content"] == [] && started?["stop_reason"] == .null)
    #expect(started?["usage"]?["input_tokens"] == whole["usage"]?["input_tokens"])
    #expect(events.dropLast().last?["usage"] == whole["usage"])
  }

  @Test func thoughtsAndCallsAreBlocks() async throws {
    let server = try await Self.server.value
    server.say("<think>Why?</think>So. " + ToolTests.call)
    let (whole, events) = try await server.ask(Self.path, body([("tools", [Self.tool])]))
    let blocks = try #require(whole["content"]?.arrayValue)
    #expect(blocks.map { $0["type"] } == ["thinking", "text", "tool_use"])
    #expect(blocks[0]["thinking"] == "Why?")
    #expect(blocks[2]["name"] == "look" && blocks[2]["input"] == ["city": "Oslo"])
    #expect(whole["stop_reason"] == "tool_use")
    let starts = events.filter { $0["type"] == "content_block_start" }
    #expect(starts.map { $0["index"] } == [0, 1, 2])
    #expect(starts.last?["content_block"]?["input"] == [:])
    let json = events.compactMap { $0["delta"]?["partial_json"]?.stringValue }.joined()
    #expect(json == #"{"city":"Oslo"}"#)
    let thoughts = events.compactMap { $0["delta"]?["thinking"]?.stringValue }
    #expect(thoughts.joined() == "Why?")
  }

  @Test func aConversationComesBack() async throws {
    let server = try await Self.server.value
    server.say("Wet.", .length)
    let messages: JSONValue = [
      ["role": "user", "content": [["type": "text", "text": "How is Oslo?"]]],
      [
        "role": "assistant",
        "content": [
          ["type": "thinking", "thinking": "Hm", "signature": ""],
          ["type": "text", "text": "I look."],
          ["type": "tool_use", "id": "t", "name": "look", "input": ["city": "Oslo"]],
        ],
      ],
      [
        "role": "user",
        "content": [
          [
            "type": "tool_result", "tool_use_id": "t", "is_error": true,
            "content": [["type": "text", "text": "Rain."]],
          ], ["type": "text", "text": "Sure?"],
        ],
      ],
      ["role": "assistant", "content": "It is"],
    ]
    let whole = try await server.ask(
      Self.path, body([("messages", messages), ("tools", [Self.tool])])
    ).whole
    for text in ["How is Oslo?", "I look.", #"{"city":"Oslo"}"#, "Error: Rain.", "Sure?"] {
      #expect(server.prompt.contains(text), "\(text)")
    }
    #expect(server.prompt.hasSuffix("It is"))
    #expect(whole["stop_reason"] == "max_tokens")
  }

  @Test func aNamedToolIsCalled() async throws {
    let server = try await Self.server.value
    for choice: JSONValue in [["type": "tool", "name": "look"], ["type": "any"]] {
      server.say(#""city": "Oslo"}}"#)
      let fields: [(String, JSONValue)] = [("tools", [Self.tool]), ("tool_choice", choice)]
      let whole = try await server.ask(Self.path, body(fields)).whole
      #expect(whole["content"]?[0]?["input"] == ["city": "Oslo"])
      server.say("\"city\": \"Os", .length)
      let torn = try await server.ask(Self.path, body(fields)).whole
      #expect(torn["content"]?[0]?["input"] == ["_invalid_json": "{\"city\": \"Os"])
    }
  }

  @Test func stopSequencesAreTold() async throws {
    let server = try await TestServer.shared.value
    let greedy: [(String, JSONValue)] = [("temperature", 0), ("max_tokens", 12)]
    let whole = try await server.post(Self.path, body(greedy)).json()
    let text = try #require(whole["content"]?[0]?["text"]?.stringValue)
    let stop = JSONValue.string(String(text.dropFirst(text.count / 2).prefix(2)))
    let cut = try await server.post(Self.path, body(greedy + [("stop_sequences", [stop])])).json()
    #expect(cut["stop_reason"] == "stop_sequence")
    #expect(cut["stop_sequence"] == stop)
  }

  @Test func tokensAreCounted() async throws {
    let server = try await TestServer.shared.value
    let body = body([("system", "Be brief.")])
    let counted = try await server.post(Self.path + "/count_tokens", body).json()
    let answered = try await server.post(Self.path, body).json()
    let usage = try #require(answered["usage"])
    let read =
      (usage["input_tokens"]?.intValue ?? 0) + (usage["cache_read_input_tokens"]?.intValue ?? 0)
    #expect(counted["input_tokens"]?.intValue == read)
    let unlimited: JSONValue = ["messages": [["role": "user", "content": "Hi"]]]
    #expect(try await server.post(Self.path + "/count_tokens", unlimited).status == 200)
  }

  @Test(arguments: [
    (#"{"messages": [{"role": "user", "content": "x"}]}"#, "'max_tokens'", 400),
    (#"{"max_tokens": 5}"#, "'messages'", 400),
    (#"{"max_tokens": 5, "messages": []}"#, "'messages'", 400),
    (
      #"{"max_tokens": 5, "messages": [{"role": "system", "content": "x"}]}"#, "'messages[0].role'",
      400
    ),
    (#"{"max_tokens": 5, "messages": [{"role": "assistant", "content": "x"}]}"#, "'messages'", 400),
    (
      #"{"max_tokens": 5, "messages": [{"role": "user", "content": [{"type": "image"}]}]}"#,
      "'messages[0].content[0].type'", 501
    ),
    (
      #"{"max_tokens": 5, "messages": [{"role": "user", "content": "x"}], "tools": [{"type": "bash_20250124", "name": "bash"}]}"#,
      "'tools[0].type'", 501
    ),
    (
      #"{"max_tokens": 5, "messages": [{"role": "user", "content": "x"}], "thinking": {"type": "enabled", "budget_tokens": 2000}}"#,
      "'thinking'", 501
    ),
    (
      #"{"max_tokens": 5, "messages": [{"role": "user", "content": "x"}], "stop_sequences": [""]}"#,
      "'stop_sequences'", 400
    ),
    (
      #"{"max_tokens": 5, "messages": [{"role": "user", "content": "x"}], "stop": "x", "stop_sequences": ["y"]}"#,
      "'stop'", 400
    ),
    (
      #"{"max_tokens": 5, "messages": [{"role": "user", "content": "x"}], "mcp_servers": [{}]}"#,
      "'mcp_servers'", 501
    ),
    (#"{"#, "JSON", 400),
  ])
  func badRequestsAreNamed(_ body: String, _ name: String, _ status: Int) async throws {
    let server = try await TestServer.shared.value
    let response = try await RawClient.request(
      "POST", Self.path, port: server.port, body: Array(body.utf8))
    #expect(response.status == status, "\(response.text)")
    let json = try response.json()
    #expect(json["type"] == "error")
    #expect(json["error"]?["message"]?.stringValue?.contains(name) == true, "\(response.text)")
    let type: JSONValue = status == 501 ? "not_supported_error" : "invalid_request_error"
    #expect(json["error"]?["type"] == type)
  }
}
