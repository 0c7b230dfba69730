import ApusCore

/// `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`, as Hermes, Qwen2.5 and Qwen3 write it.
public struct HermesToolCalls: ToolCallFormat {
  public let markers = ["<tool_call>"]
  public let separators = ["</tool_call>"]

  public func isNamed(in template: String) -> Bool {
    template.mentions("<tool_call>") && !template.mentions("<function=")
  }

  public func calls(in block: String, tools: [ToolDefinition]) -> [ToolCallDraft]? {
    guard let value = try? JSONValue(parsing: block),
      let call = ToolCallDraft(value, argumentsUnder: ["arguments", "parameters"])
    else { return nil }
    return [call]
  }

  public func opening(of name: String) -> String {
    "<tool_call>\n{\"name\": \(JSONValue.string(name).text), \"arguments\": {"
  }
}
