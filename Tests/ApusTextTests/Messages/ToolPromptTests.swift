import ApusCore
import ApusText
import Testing

struct ToolPromptTests {
  private static let tool: JSONValue = [
    "type": "function",
    "function": ["name": "stop", "parameters": ["type": "object", "properties": [:]]],
  ]

  private static let turns: [JSONValue] = [
    ["role": "user", "content": "Go."],
    [
      "role": "assistant", "content": "Yes.",
      "tool_calls": [
        ["id": "1", "type": "function", "function": ["name": "stop", "arguments": ["a": 1]]],
        ["id": "2", "type": "function", "function": ["name": "stop", "arguments": [:]]],
      ],
    ],
    ["role": "tool", "tool_call_id": "1", "content": "one"],
    ["role": "tool", "tool_call_id": "2", "content": "two"],
    ["role": "user", "content": "And?"],
  ]

  @Test func aTemplateWithoutToolsIsToldOfThemInText() throws {
    let messages = ToolPrompt.messages(Self.turns, tools: [Self.tool])
    #expect(messages.map { $0["role"] } == ["user", "assistant", "user", "user"])
    let texts = messages.compactMap { $0["content"]?.stringValue }
    #expect(texts[0].contains(Self.tool.text) && texts[0].hasSuffix("Go."))
    #expect(
      texts[1]
        == "Yes.\n<tool_call>\n{\"name\":\"stop\",\"arguments\":{\"a\":1}}\n</tool_call>\n"
        + "<tool_call>\n{\"name\":\"stop\",\"arguments\":{}}\n</tool_call>")
    #expect(
      texts[2]
        == "<tool_response>\none\n</tool_response>\n<tool_response>\ntwo\n</tool_response>")
    #expect(messages.allSatisfy { $0["tool_calls"] == nil })
    // What it says about the form is read by the parser of that form.
    let parser = try MessageCases.parser("hermes")
    #expect(parser.message(texts[1]).calls == [#"stop({"a":1})"#, "stop({})"])
  }

  @Test func theSystemsMessageKeepsItsPlace() {
    let system: JSONValue = ["role": "system", "content": "Be brief."]
    let messages = ToolPrompt.messages([system] + Self.turns, tools: [Self.tool])
    #expect(messages[0]["role"] == "system")
    #expect(messages[0]["content"]?.stringValue?.hasPrefix("Be brief.\n\n") == true)
    #expect(messages[1]["content"] == "Go.")
    #expect(ToolPrompt.messages([system], tools: []) == [system])
  }

  @Test func whetherATemplateTakesTools() throws {
    #expect(!ChatTemplate.chatML.takesTools)
    let plain = try ChatTemplate("{# tools #}{{ messages[0].content }}")
    #expect(!plain.takesTools)
    let aware = try ChatTemplate("{% for t in tools %}{{ t | tojson }}{% endfor %}")
    #expect(aware.takesTools)
    let failing = try ChatTemplate("{{ raise_exception('no tools') }}")
    #expect(!failing.takesTools)
  }
}
