import Apus
import ApusCore
import ApusServer
import Testing

/// Tools and reasoning in chat completions.
@Suite(.serialized) struct ToolTests {
  static let server = Task { try await ScriptedServer { $0.reasoningFormat = .deepseek } }

  static func tool(_ name: String) -> JSONValue {
    let parameters: JSONValue = ["type": "object", "properties": ["city": ["type": "string"]]]
    let function: JSONValue = [
      "name": .string(name), "description": .string("Does \(name)."), "parameters": parameters,
    ]
    return ["type": "function", "function": function]
  }

  static let call = #"<tool_call>{"name": "look", "arguments": {"city": "Oslo"}}</tool_call>"#
  private static let path = "/v1/chat/completions"

  private func body(_ fields: [(String, JSONValue)] = []) -> JSONValue {
    chat("How is Oslo?", [("tools", [Self.tool("look"), Self.tool("stop")])] + fields)
  }

  /// What a client puts together from the chunks of a stream.
  private func assembled(_ chunks: [JSONValue]) -> JSONObject {
    var texts: [String: String] = [:]
    var calls: [JSONObject] = []
    for delta in chunks.compactMap({ $0["choices"]?[0]?["delta"] }) {
      for name in ["content", "reasoning_content"] {
        if let text = delta[name]?.stringValue { texts[name, default: ""] += text }
      }
      for part in delta["tool_calls"]?.arrayValue ?? [] {
        let index = part["index"]?.intValue ?? -1
        if index == calls.count { calls.append(JSONObject([("id", part["id"] ?? .null)])) }
        guard calls.indices.contains(index) else { continue }
        for name in ["name", "arguments"] {
          guard let text = part["function"]?[name]?.stringValue else { continue }
          calls[index][name] = .string((calls[index][name]?.stringValue ?? "") + text)
        }
      }
    }
    var object = JSONObject(texts.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
    object["calls"] = .array(calls.map { .object($0) })
    return object
  }

  @Test func callsAreToldWholeAndInChunks() async throws {
    let server = try await Self.server.value
    server.say("Wait.\n" + Self.call + "\n" + #"<tool_call>{"name": "stop"}</tool_call>"#)
    let (whole, chunks) = try await server.ask(Self.path, body())
    let message = try #require(whole["choices"]?[0]?["message"])
    #expect(whole["choices"]?[0]?["finish_reason"] == "tool_calls")
    #expect(message["content"] == "Wait.")
    let calls = try #require(message["tool_calls"]?.arrayValue)
    #expect(calls.map { $0["type"] } == ["function", "function"])
    #expect(calls.map { $0["function"]?["name"] } == ["look", "stop"])
    #expect(calls.map { $0["function"]?["arguments"] } == [#"{"city":"Oslo"}"#, "{}"])
    #expect(Set(calls.compactMap { $0["id"]?.stringValue }).count == 2)
    let streamed = assembled(chunks)
    #expect(streamed["content"] == "Wait.")
    let pieces = streamed["calls"]?.arrayValue ?? []
    #expect(pieces.map { $0["name"] } == ["look", "stop"])
    #expect(pieces.map { $0["arguments"] } == [#"{"city":"Oslo"}"#, "{}"])
    #expect(pieces.allSatisfy { $0["id"]?.stringValue?.isEmpty == false })
    #expect(chunks.last?["choices"]?[0]?["finish_reason"] == "tool_calls")
    server.say(Self.call)
    let only = try await server.ask(Self.path, body()).whole["choices"]?[0]?["message"]
    #expect(only?["content"] == .null)
  }

  @Test func whatIsNoCallIsContent() async throws {
    let server = try await Self.server.value
    for text in ["No call.", #"<tool_call>{"name": "look", "arg"#, "<tool_call>5</tool_call>"] {
      server.say(text, .length)
      let (whole, chunks) = try await server.ask(Self.path, body())
      #expect(whole["choices"]?[0]?["message"]?["content"] == .string(text))
      #expect(whole["choices"]?[0]?["message"]?["tool_calls"] == nil)
      #expect(whole["choices"]?[0]?["finish_reason"] == "length")
      #expect(assembled(chunks)["content"] == .string(text))
    }
  }

  @Test func withoutToolsNothingIsParsed() async throws {
    let server = try await Self.server.value
    server.say(Self.call)
    for body in [chat("Hi"), body([("tool_choice", "none")])] {
      let whole = try await server.ask(Self.path, body).whole
      #expect(whole["choices"]?[0]?["message"]?["content"] == .string(Self.call))
      #expect(whole["choices"]?[0]?["finish_reason"] == "stop")
      #expect(!server.prompt.contains("Does look."))
    }
  }

  @Test func toolsCallsAndResultsAreInThePrompt() async throws {
    let server = try await Self.server.value
    server.say("Wet.")
    let messages: JSONValue = [
      ["role": "user", "content": "How is Oslo?"],
      [
        "role": "assistant", "content": nil,
        "tool_calls": [
          [
            "id": "a", "type": "function",
            "function": ["name": "look", "arguments": #"{"city": "Oslo"}"#],
          ]
        ],
      ],
      ["role": "tool", "tool_call_id": "a", "content": "Rain all day."],
    ]
    _ = try await server.ask(Self.path, body([("messages", messages)]))
    for text in ["Does look.", "How is Oslo?", #"{"city":"Oslo"}"#, "Rain all day."] {
      #expect(server.prompt.contains(text), "\(text)")
    }
    let shown = try await server.server.post("/apply-template", body()).json()
    #expect(shown["prompt"]?.stringValue?.contains("Does look.") == true)
  }

  @Test func aNamedToolIsCalled() async throws {
    let server = try await Self.server.value
    let named: JSONValue = ["type": "function", "function": ["name": "look"]]
    let one: [(String, JSONValue)] = [("tools", [Self.tool("look")]), ("tool_choice", "required")]
    for fields in [[("tool_choice", named)], one] {
      server.say(#""city": "Oslo"}}</tool_call> And more."#)
      let (whole, chunks) = try await server.ask(Self.path, body(fields))
      #expect(server.prompt.hasSuffix(#"{"name": "look", "arguments": {"#))
      let message = whole["choices"]?[0]?["message"]
      #expect(message?["content"] == .null)
      #expect(message?["tool_calls"]?.arrayValue?.count == 1)
      #expect(message?["tool_calls"]?[0]?["function"]?["arguments"] == #"{"city":"Oslo"}"#)
      #expect(assembled(chunks)["calls"]?[0]?["name"] == "look")
      server.say(" Once upon", .length)
      let torn = try await server.ask(Self.path, body(fields)).whole["choices"]?[0]
      #expect(torn?["message"]?["tool_calls"]?[0]?["function"]?["arguments"] == "{ Once upon")
      #expect(torn?["finish_reason"] == "length")
    }
  }

  @Test func oneCallAtATime() async throws {
    let server = try await Self.server.value
    server.say(Self.call + Self.call)
    let body = body([("parallel_tool_calls", false)])
    let (whole, chunks) = try await server.ask(Self.path, body)
    #expect(whole["choices"]?[0]?["message"]?["tool_calls"]?.arrayValue?.count == 1)
    #expect(assembled(chunks)["calls"]?.arrayValue?.count == 1)
  }

  @Test(arguments: [
    (#""required""#, "tool_choice", 501), (#"{"type": "custom"}"#, "tool_choice.type", 501),
    (#"{"type": "function"}"#, "tool_choice.function.name", 400), (#"5"#, "tool_choice", 400),
    (#"{"type": "function", "function": {"name": "other"}}"#, "tool_choice", 400),
    (#""always""#, "tool_choice", 400),
  ])
  func choicesThatCannotBeKeptAreNamed(
    _ choice: String, _ parameter: String, _ status: Int
  ) async throws {
    let server = try await Self.server.value
    let response = try await server.server.post(
      Self.path, body([("tool_choice", try JSONValue(parsing: choice))]))
    #expect(response.status == status, "\(response.text)")
    #expect(try response.json()["error"]?["param"] == .string(parameter))
  }

  @Test func allowedToolsAreAChoice() async throws {
    let server = try await Self.server.value
    server.say("No.")
    func choice(_ mode: String) -> JSONValue {
      [
        "type": "allowed_tools",
        "allowed_tools": [
          "mode": .string(mode), "tools": [["type": "function", "function": ["name": "stop"]]],
        ],
      ]
    }
    _ = try await server.ask(Self.path, body([("tool_choice", choice("auto"))]))
    #expect(server.prompt.contains("Does stop.") && !server.prompt.contains("Does look."))
    _ = try await server.ask(Self.path, body([("tool_choice", choice("required"))]))
    #expect(server.prompt.hasSuffix(#"{"name": "stop", "arguments": {"#))
  }

  @Test(arguments: [
    ("[{}]", "tools[0].type", 400), ("[5]", "tools[0]", 400),
    (#"[{"type": "web"}]"#, "tools[0].type", 501),
    (#"[{"type": "function"}]"#, "tools[0].function", 400),
    (#"[{"type": "function", "function": {"name": 5}}]"#, "tools[0].function.name", 400),
    (
      #"[{"type": "function", "function": {"name": "f", "strict": true}}]"#,
      "tools[0].function.strict", 501
    ),
    (
      #"[{"type": "function", "function": {"name": "f", "parameters": []}}]"#,
      "tools[0].function.parameters", 400
    ),
  ])
  func badToolsAreNamed(_ tools: String, _ parameter: String, _ status: Int) async throws {
    let server = try await Self.server.value
    let response = try await server.server.post(
      Self.path, chat("Hi", [("tools", try JSONValue(parsing: tools))]))
    #expect(response.status == status, "\(response.text)")
    #expect(try response.json()["error"]?["param"] == .string(parameter))
  }

  @Test func reasoningIsToldApart() async throws {
    let server = try await Self.server.value
    server.say("<think>\nWhy?\n</think>\n\nSo. " + Self.call)
    let (whole, chunks) = try await server.ask(Self.path, body())
    let message = whole["choices"]?[0]?["message"]
    #expect(message?["reasoning_content"] == "Why?")
    #expect(message?["content"] == "So.")
    #expect(message?["tool_calls"]?.arrayValue?.count == 1)
    let streamed = assembled(chunks)
    #expect(streamed["reasoning_content"] == "Why?" && streamed["content"] == "So.")
    for format in ["none", "auto"] {
      server.say("<think>a</think>b")
      let plain = try await server.ask(
        Self.path, chat("Hi", [("reasoning_format", .string(format))])
      ).whole["choices"]?[0]?["message"]
      #expect(plain?["content"] == "<think>a</think>b")
      #expect(plain?["reasoning_content"] == nil)
    }
  }

  @Test func anotherParserCanBeNamed() async throws {
    let server = try await ScriptedServer { $0.toolCallParser = "mistral" }
    let response = try await server.server.post(Self.path, body())
    #expect(response.status == 501)
    #expect(try response.json()["error"]?["param"] == "tools")
    try await server.server.stop()
  }
}
