import ApusCore
import ApusServer
import Testing

/// OpenAI's Responses.
@Suite(.serialized) struct ResponsesTests {
  private static let path = "/v1/responses"
  private static let server = Task {
    try await ScriptedServer { $0.reasoningFormat = .deepseek }
  }
  private static let tool: JSONValue = [
    "type": "function", "name": "look", "description": "Does look.",
    "parameters": ["type": "object", "properties": [:]],
  ]

  @Test func textIsOneItem() async throws {
    let server = try await Self.server.value
    server.say("Hello there.")
    let (whole, events) = try await server.ask(
      Self.path, ["input": "Hi", "instructions": "Be brief.", "max_output_tokens": 20])
    #expect(server.prompt.contains("Be brief.") && server.prompt.contains("Hi"))
    #expect(server.request.generation.maxTokens == 20)
    #expect(whole["object"] == "response" && whole["status"] == "completed")
    #expect(whole["store"] == false && whole["instructions"] == "Be brief.")
    let item = whole["output"]?[0]
    #expect(item?["type"] == "message" && item?["role"] == "assistant")
    #expect(item?["content"]?[0]?["text"] == "Hello there.")
    #expect(whole["usage"]?["input_tokens"]?.intValue ?? 0 > 0)
    var types = events.compactMap { $0["type"]?.stringValue }
    #expect(types.count { $0 == "response.output_text.delta" } == 4)
    types.removeAll { $0 == "response.output_text.delta" }
    #expect(
      types == [
        "response.created", "response.in_progress", "response.output_item.added",
        "response.content_part.added", "response.output_text.done", "response.content_part.done",
        "response.output_item.done", "response.completed",
      ])
    #expect(events.compactMap { $0["sequence_number"]?.intValue } == Array(events.indices))
    let last = try #require(events.last?["response"])
    #expect(last["output"]?[0]?["content"] == item?["content"])
    #expect(last["usage"] == whole["usage"])
    #expect(last["id"] == events.first?["response"]?["id"])
  }

  @Test func reasoningCallsAndTextAreItems() async throws {
    let server = try await Self.server.value
    server.say("<think>Why?</think>So. " + ToolTests.call)
    let (whole, events) = try await server.ask(Self.path, ["input": "Hi", "tools": [Self.tool]])
    #expect(server.prompt.contains("Does look."))
    let items = try #require(whole["output"]?.arrayValue)
    #expect(items.map { $0["type"] } == ["reasoning", "message", "function_call"])
    #expect(items[0]["content"]?[0]?["text"] == "Why?")
    #expect(items[2]["name"] == "look" && items[2]["arguments"] == #"{"city":"Oslo"}"#)
    #expect(whole["usage"]?["output_tokens_details"]?["reasoning_tokens"]?.intValue ?? 0 > 0)
    let done = events.filter { $0["type"] == "response.output_item.done" }
    #expect(done.map { $0["output_index"] } == [0, 1, 2])
    let arguments = events.filter { $0["type"] == "response.function_call_arguments.delta" }
    #expect(arguments.map { $0["delta"] } == [#"{"city":"Oslo"}"#])
    for event in events {
      guard let index = event["output_index"]?.intValue, let id = event["item_id"] else { continue }
      #expect(id == done[index]["item"]?["id"])
    }
  }

  @Test func aConversationComesBack() async throws {
    let server = try await Self.server.value
    server.say("Wet.", .length)
    let input: JSONValue = [
      ["role": "developer", "content": "Be exact."],
      ["role": "user", "content": [["type": "input_text", "text": "How is Oslo?"]]],
      ["type": "reasoning", "summary": [], "content": [["type": "reasoning_text", "text": "Hm"]]],
      [
        "type": "message", "role": "assistant",
        "content": [["type": "output_text", "text": "I look."]],
      ],
      [
        "type": "function_call", "call_id": "1", "name": "look",
        "arguments": "{\"city\": \"Oslo\"}",
      ],
      ["type": "function_call_output", "call_id": "1", "output": "Rain."],
    ]
    let whole = try await server.ask(Self.path, ["input": input, "tools": [Self.tool]]).whole
    for text in ["Be exact.", "How is Oslo?", "I look.", #"{"city":"Oslo"}"#, "Rain."] {
      #expect(server.prompt.contains(text), "\(text)")
    }
    #expect(whole["status"] == "incomplete")
    #expect(whole["incomplete_details"]?["reason"] == "max_output_tokens")
    #expect(whole["output"]?[0]?["status"] == "incomplete")
  }

  @Test(arguments: [
    (#"{}"#, "input", 400), (#"{"input": 5}"#, "input", 400), (#"{"input": []}"#, "input", 400),
    (#"{"input": [5]}"#, "input[0]", 400),
    (#"{"input": [{"content": "x"}]}"#, "input[0].role", 400),
    (
      #"{"input": [{"role": "user", "content": [{"type": "input_image"}]}]}"#,
      "input[0].content[0].type", 501
    ),
    (#"{"input": [{"type": "item_reference", "id": "x"}]}"#, "input[0].type", 501),
    (#"{"input": "x", "previous_response_id": "resp_1"}"#, "previous_response_id", 501),
    (#"{"input": "x", "store": true}"#, "store", 501),
    (#"{"input": "x", "background": true}"#, "background", 501),
    (#"{"input": "x", "include": ["reasoning.encrypted_content"]}"#, "include", 501),
    (#"{"input": "x", "truncation": "auto"}"#, "truncation", 501),
    (#"{"input": "x", "text": {"format": {"type": "json_object"}}}"#, "text.format", 501),
    (#"{"input": "x", "tools": [{"type": "web_search"}]}"#, "tools[0].type", 501),
    (#"{"input": "x", "n": 2}"#, "n", 400),
    (#"{"input": "x", "top_logprobs": 2}"#, "top_logprobs", 501),
    (#"{"input": "x", "max_output_tokens": 0}"#, "max_output_tokens", 400),
    (#"{"input": "x", "reasoning": {"effort": "high"}}"#, "reasoning.effort", 501),
    (#"{"input": "x", "reasoning": {"summary": "detailed"}}"#, "reasoning.summary", 501),
  ])
  func badRequestsAreNamed(_ body: String, _ parameter: String, _ status: Int) async throws {
    let server = try await Self.server.value
    let response = try await server.server.post(Self.path, try JSONValue(parsing: body))
    #expect(response.status == status, "\(response.text)")
    #expect(try response.json()["error"]?["param"] == .string(parameter))
  }
}
