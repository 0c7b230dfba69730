import ApusCore
import ApusText
import Foundation
import Testing

/// Texts as models write them, and the calls that are in them.
struct ToolCallCase: Sendable, CustomTestStringConvertible {
  let format: String
  let text: String
  var content = ""
  var calls: [String] = []

  var testDescription: String { "\(format): \(text.prefix(60))" }

  static let all = hermes + llama + mistral + qwen

  private static let oslo = #"get_weather({"city":"Oslo"})"#

  private static let hermes: [ToolCallCase] = [
    Self(
      format: "hermes",
      text:
        "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call>",
      calls: [oslo]),
    Self(
      format: "hermes",
      text: """
        I will look.

        <tool_call>
        {"name": "get_weather", "arguments": {"city": "Oslo"}}
        </tool_call>
        <tool_call>
        {"name": "stop", "arguments": {}}
        </tool_call>
        """, content: "I will look.", calls: [oslo, "stop({})"]),
    Self(
      format: "hermes",
      text: #"<tool_call>{"name": "stop"}</tool_call> And now?"#, content: "And now?",
      calls: ["stop({})"]),
    // The end tag may be missing, and a string may hold one.
    Self(
      format: "hermes",
      text: #"<tool_call>{"arguments": {"city": "}</tool_call>\"{"}, "name": "get_weather"}"#,
      calls: [#"get_weather({"city":"}</tool_call>\"{"})"#]),
    Self(
      format: "hermes",
      text: #"<tool_call>{"name": "stop", "arguments": "{\"a\": 1}"}</tool_call>"#,
      calls: [#"stop({"a":1})"#]),
    Self(
      format: "hermes", text: #"<tool_call>{"name": "get_weather", "argum"#,
      content: #"<tool_call>{"name": "get_weather", "argum"#),
    Self(
      format: "hermes", text: #"<tool_call>{"name": 5}</tool_call>"#,
      content: #"<tool_call>{"name": 5}</tool_call>"#),
    Self(format: "hermes", text: "a \n<tool_call>none of it", content: "a \n<tool_call>none of it"),
    Self(format: "hermes", text: "a <tool_cal b  ", content: "a <tool_cal b  "),
    Self(format: "hermes", text: "<tool_call", content: "<tool_call"),
    Self(
      format: "hermes",
      text: #"<tool_call>no <tool_call>{"name": "stop", "arguments": {}}</tool_call>"#,
      content: "<tool_call>no", calls: ["stop({})"]),
    Self(
      format: "hermes", text: "\u{1F600} caf\u{E9} \u{1F600}",
      content: "\u{1F600} caf\u{E9} \u{1F600}"),
  ]

  private static let llama: [ToolCallCase] = [
    Self(
      format: "llama3_json",
      text: #"{"name": "get_weather", "parameters": {"city": "Oslo"}}"#, calls: [oslo]),
    Self(
      format: "llama3_json",
      text:
        #"<|python_tag|>{"type": "function", "name": "get_weather", "parameters": {"city": "Oslo"}}"#,
      calls: [oslo]),
    Self(
      format: "llama3_json",
      text: #"""
        {"name": "get_weather", "parameters": {"city": "Oslo"}}; {"name": "stop", "parameters": {}}
        """#, calls: [oslo, "stop({})"]),
    Self(
      format: "llama3_json", text: #"{"name": "Ada", "born": 1815}"#,
      content: #"{"name": "Ada", "born": 1815}"#),
    Self(
      format: "llama3_json", text: #"{"name": "Ada", "parameters": {}}"#,
      content: #"{"name": "Ada", "parameters": {}}"#),
    Self(
      format: "llama3_json", text: #"Use {"name": "stop", "parameters": {}}"#,
      content: #"Use {"name": "stop", "parameters": {}}"#),
    Self(
      format: "llama3_json", text: #"<|python_tag|>brave_search.call(query="Oslo")"#,
      content: #"<|python_tag|>brave_search.call(query="Oslo")"#),
  ]

  private static let mistral: [ToolCallCase] = [
    Self(
      format: "mistral",
      text: #"[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Oslo"}}]"#,
      calls: [oslo]),
    Self(
      format: "mistral",
      text:
        #"[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Oslo"}, "id": "abcdefghi"}, {"name": "stop", "arguments": {}}]"#,
      calls: [oslo, "stop({})"]),
    Self(
      format: "mistral",
      text: #"Wait.[TOOL_CALLS]get_weather[ARGS]{"city": "Oslo"}[TOOL_CALLS]stop{}"#,
      content: "Wait.", calls: [oslo, "stop({})"]),
    Self(
      format: "mistral", text: #"[TOOL_CALLS]stop[CALL_ID]123456789[ARGS]{}"#, calls: ["stop({})"]),
    Self(
      format: "mistral", text: #"[TOOL_CALLS][{"name": "stop"}, 5]"#,
      content: #"[TOOL_CALLS][{"name": "stop"}, 5]"#),
    Self(format: "mistral", text: "[TOOL_CALLS][]", content: "[TOOL_CALLS][]"),
    Self(format: "mistral", text: "[TOOL_CALLS]stop", content: "[TOOL_CALLS]stop"),
  ]

  private static let qwen: [ToolCallCase] = [
    Self(
      format: "qwen3_coder",
      text: """
        <tool_call>
        <function=get_weather>
        <parameter=city>
        Oslo
        </parameter>
        <parameter=days>
        3
        </parameter>
        <parameter=exact>
        true
        </parameter>
        <parameter=tags>
        ["a", "b"]
        </parameter>
        <parameter=note>
        12
        </parameter>
        </function>
        </tool_call>
        """,
      calls: [
        #"get_weather({"city":"Oslo","days":3,"exact":true,"tags":["a","b"],"note":"12"})"#
      ]),
    Self(
      format: "qwen3_coder",
      text:
        "Two.\n<tool_call>\n<function=stop>\n</function>\n</tool_call>\n<tool_call>\n<function=stop>\n</function>\n</tool_call>",
      content: "Two.", calls: ["stop({})", "stop({})"]),
    Self(
      format: "qwen3_coder", text: "<tool_call>\n<function=stop>\n<parameter=a>\n1",
      content: "<tool_call>\n<function=stop>\n<parameter=a>\n1"),
    Self(
      format: "qwen3_coder", text: "<tool_call>stop</tool_call>",
      content: "<tool_call>stop</tool_call>"),
  ]
}

struct ToolCallTests {
  @Test(arguments: ToolCallCase.all)
  func recordedTextsAreTakenApart(_ example: ToolCallCase) throws {
    let message = MessageCases.message(example.text, try MessageCases.parser(example.format))
    #expect(message.calls == example.calls)
    #expect(message.content == example.content)
    #expect(Set(message.toolCalls.map(\.id)).count == message.toolCalls.count)
  }

  @Test func idsAreThoseOfTheModelOrFitItsTemplate() throws {
    let parser = try MessageCases.parser("mistral")
    let text =
      #"[TOOL_CALLS][{"name": "stop", "arguments": {}, "id": "abcdefghi"}, {"name": "stop"}]"#
    let ids = parser.message(text).toolCalls.map(\.id)
    #expect(ids.first == "abcdefghi")
    #expect(ids.map(\.count) == [9, 9])
    #expect(ToolCallFormats.catalog.entries.allSatisfy { $0.element.makeID().count >= 9 })
  }

  @Test(arguments: ToolCallFormats.catalog.names)
  func onlyOneCallWhereOnlyOneIsAllowed(_ name: String) throws {
    let example = try #require(
      ToolCallCase.all.first { $0.format == name && $0.calls.count == 2 })
    let message = MessageCases.message(
      example.text + " more", try MessageCases.parser(name, several: false))
    #expect(message.calls == [example.calls[0]])
    #expect(message.content == example.content)
  }

  /// The prompt has begun the call, and the answer goes on with its arguments.
  @Test(arguments: ToolCallFormats.catalog.names)
  func aForcedCallIsACallWhateverFollows(_ name: String) throws {
    let format = try ToolCallFormats.catalog.find(name)
    let parser = try MessageCases.parser(name, several: false, forced: "get_weather")
    let rest =
      name == "qwen3_coder"
      ? "<parameter=city>\nOslo\n</parameter>\n</function>\n</tool_call>"
      : #""city": "Oslo"}}"# + (name == "mistral" ? "]" : "")
    let message = MessageCases.message(rest, parser)
    #expect(message.calls == [#"get_weather({"city":"Oslo"})"#])
    #expect(message.content.isEmpty)
    for torn in ["", "\"city\": \"Os", " once upon a time", "5}}"] {
      let message = MessageCases.message(torn, parser)
      #expect(message.toolCalls.map(\.name) == ["get_weather"], "\(torn)")
      #expect(message.content.isEmpty)
    }
    #expect(!format.opening(of: "a\"b").isEmpty)
  }

  @Test func tornArgumentsOfAForcedCallAreToldAsTheyAre() throws {
    let parser = try MessageCases.parser("hermes", several: false, forced: "stop")
    #expect(parser.message(#""city": "Os"#).calls == [#"stop({"city": "Os)"#])
    #expect(parser.message("5}}").calls == ["stop({5})"])
  }

  /// To be in the folder is to be in the list.
  @Test func everyFormatIsListed() throws {
    let folder = Artefacts.packageRoot.appending(path: "Sources/ApusText/Messages/ToolCalls")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter {
        !["ToolCallFormat.swift", "ToolCallBlock.swift", "ToolCallSplitter.swift"].contains($0)
      }
      .map { String($0.dropLast(".swift".count)) }
    let listed = ToolCallFormats.catalog.entries.map { String(describing: type(of: $0.element)) }
    #expect(Set(files) == Set(listed))
  }
}
