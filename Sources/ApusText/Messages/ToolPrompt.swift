import ApusCore

/// Tools for chat templates that know of none: told in the first message, in the form of Hermes.
public enum ToolPrompt {
  /// The messages with the tools in them, and with calls and their results as text.
  public static func messages(_ messages: [JSONValue], tools: [JSONValue]) -> [JSONValue] {
    var result: [JSONValue] = []
    for message in messages {
      guard case .object(var object) = message else { continue }
      if object["role"] == "tool" {
        let text = "<tool_response>\n\(object["content"]?.stringValue ?? "")\n</tool_response>"
        append(text, to: &result)
        continue
      }
      if let calls = object["tool_calls"]?.arrayValue {
        let content = object["content"]?.stringValue ?? ""
        object["content"] = .string(([content] + calls.map(text)).joinedLines)
        object = JSONObject(object.entries.filter { $0.key != "tool_calls" })
      }
      result.append(.object(object))
    }
    return tools.isEmpty ? result : adding(description(tools), to: result)
  }

  /// Results that follow each other stand in one message.
  private static func append(_ text: String, to messages: inout [JSONValue]) {
    if case .object(var last)? = messages.last, last["role"] == "user",
      let content = last["content"]?.stringValue, content.hasPrefix("<tool_response>")
    {
      last["content"] = .string(content + "\n" + text)
      messages[messages.count - 1] = .object(last)
    } else {
      messages.append(["role": "user", "content": .string(text)])
    }
  }

  private static func text(_ call: JSONValue) -> String {
    let function = call["function"] ?? call
    let value: JSONValue = [
      "name": function["name"] ?? "", "arguments": function["arguments"] ?? [:],
    ]
    return "<tool_call>\n\(value.text)\n</tool_call>"
  }

  private static func description(_ tools: [JSONValue]) -> String {
    """
    You can call functions. These are their signatures, one a line:
    <tools>
    \(tools.map(\.text).joined(separator: "\n"))
    </tools>
    To call one, answer with its name and arguments as JSON between these tags:
    <tool_call>
    {"name": "function name", "arguments": {"argument": "value"}}
    </tool_call>
    """
  }

  /// Puts the text at the end of the system's message or, as not every template takes one, before the first other.
  private static func adding(_ text: String, to messages: [JSONValue]) -> [JSONValue] {
    var messages = messages
    guard case .object(var first)? = messages.first else { return messages }
    let isSystem = first["role"] == "system" || first["role"] == "developer"
    let content = first["content"]?.stringValue ?? ""
    let parts = isSystem ? [content, text] : [text, content]
    first["content"] = .string(parts.filter { !$0.isEmpty }.joined(separator: "\n\n"))
    messages[0] = .object(first)
    return messages
  }
}

extension ChatTemplate {
  /// Whether the template writes the tools it is given into the prompt.
  public var takesTools: Bool {
    guard source.mentions("tools") else { return false }
    let name = "apus_probe_function"
    let tool: JSONValue = [
      "type": "function",
      "function": [
        "name": .string(name), "description": "x",
        "parameters": ["type": "object", "properties": [:]],
      ],
    ]
    let prompt = try? render(
      messages: [["role": "user", "content": "x"]], tools: [tool], addGenerationPrompt: true,
      bosToken: "", eosToken: "")
    return prompt?.contains(name) ?? false
  }
}

extension [String] {
  fileprivate var joinedLines: String { filter { !$0.isEmpty }.joined(separator: "\n") }
}
