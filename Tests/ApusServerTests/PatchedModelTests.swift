import Apus
import ApusCore
import ApusServer
import Testing

/// What depends on the model: a template that opens the reasoning, and tokens for filling in.
@Suite(.serialized) struct PatchedModelTests {
  private struct Setup: Sendable {
    let file: PatchedModel
    let server: ScriptedServer
  }

  private static let setup = Task {
    let file = try PatchedModel(
      template: """
        {% for m in messages %}{{ m.role + ':' + m.content + '\\n' }}{% endfor %}<think>\
        {% if not enable_thinking|default(true) %}</think>{% endif %}
        """)
    return Setup(file: file, server: try await ScriptedServer(reference: .path(file.path)))
  }

  @Test func theTemplateOpensTheReasoning() async throws {
    let server = try await Self.setup.value.server
    server.say("Why?\n</think>\n\nSo.")
    for fields: [(String, JSONValue)] in [
      [], [("chat_template_kwargs", ["enable_thinking": true])],
    ] {
      let (whole, chunks) = try await server.ask("/v1/chat/completions", chat("Hi", fields))
      let message = whole["choices"]?[0]?["message"]
      #expect(message?["reasoning_content"] == "Why?")
      #expect(message?["content"] == "So.")
      let deltas = chunks.compactMap { $0["choices"]?[0]?["delta"] }
      #expect(deltas.compactMap { $0["reasoning_content"]?.stringValue }.joined() == "Why?")
      #expect(deltas.compactMap { $0["content"]?.stringValue }.joined() == "So.")
    }
  }

  private static let offs: [(String, JSONValue)] = [
    ("chat_template_kwargs", ["enable_thinking": false]), ("reasoning_effort", "none"),
  ]

  @Test(arguments: offs)
  func theReasoningCanBeTurnedOff(_ name: String, _ value: JSONValue) async throws {
    let server = try await Self.setup.value.server
    server.say("So.")
    let whole = try await server.ask("/v1/chat/completions", chat("Hi", [(name, value)])).whole
    #expect(server.prompt.hasSuffix("<think></think>"))
    #expect(whole["choices"]?[0]?["message"]?["content"] == "So.")
    #expect(whole["choices"]?[0]?["message"]?["reasoning_content"] == nil)
  }

  @Test func anthropicsThinkingIsTheTemplates() async throws {
    let server = try await Self.setup.value.server
    func body(_ thinking: JSONValue) -> JSONValue {
      [
        "messages": [["role": "user", "content": "Hi"]], "max_tokens": 9, "thinking": thinking,
      ]
    }
    server.say("Why?</think>So.")
    let on = try await server.ask("/v1/messages", body(["type": "enabled", "budget_tokens": 1024]))
    #expect(on.whole["content"]?[0]?["thinking"] == "Why?")
    #expect(on.whole["content"]?[1]?["text"] == "So.")
    for thinking: JSONValue in [.null, ["type": "disabled"]] {
      server.say("So.")
      let off = try await server.ask("/v1/messages", body(thinking)).whole
      #expect(server.prompt.hasSuffix("<think></think>"))
      #expect(off["content"] == [["type": "text", "text": "So."]])
    }
  }

  @Test func aForcedCallClosesTheReasoning() async throws {
    let server = try await Self.setup.value.server
    server.say("}}")
    let fields: [(String, JSONValue)] = [
      ("tools", [ToolTests.tool("look")]), ("tool_choice", "required"),
    ]
    let whole = try await server.ask("/v1/chat/completions", chat("Hi", fields)).whole
    #expect(server.prompt.contains("<think>\n</think>\n\n<tool_call>"))
    #expect(whole["choices"]?[0]?["message"]?["tool_calls"]?[0]?["function"]?["name"] == "look")
    #expect(whole["choices"]?[0]?["message"]?["reasoning_content"] == nil)
  }

  @Test func whatStandsBetweenIsAskedForWithTheModelsTokens() async throws {
    let setup = try await Self.setup.value
    let tokenizer = try #require(setup.server.server.model?.tokenizer)
    let marks = try #require(tokenizer.fillInMiddle)
    func tokens(_ text: String) -> [TokenID] {
      tokenizer.encode(text, addSpecialTokens: false, parseSpecialTokens: false)
    }
    setup.server.say(" and ")
    let plain: JSONValue = ["prompt": "salt", "suffix": "pepper"]
    let completion = try await setup.server.ask("/v1/completions", plain).whole
    let prompt =
      [marks.prefix] + tokens("salt") + [marks.suffix] + tokens("pepper") + [marks.middle]
    #expect(setup.server.request.generation.prompt == prompt)
    #expect(completion["choices"]?[0]?["text"] == " and ")
    let body: JSONValue = [
      "input_prefix": "salt", "input_suffix": "pepper", "prompt": "x", "n_predict": 4,
      "input_extra": [["filename": "f", "text": "sugar"]],
    ]
    let whole = try await setup.server.ask("/infill", body).whole
    #expect(
      setup.server.request.generation.prompt == tokens("\n\n--- snippet ---\n\nsugar") + prompt
        + tokens("x"))
    #expect(whole["content"] == " and ")
    let bad = try await setup.server.server.post(
      "/v1/completions", ["prompt": [1, 2], "suffix": "x"])
    #expect(bad.status == 400)
  }
}
