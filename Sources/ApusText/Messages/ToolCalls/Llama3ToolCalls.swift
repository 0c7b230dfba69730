import ApusCore

/// `{"name": ..., "parameters": {...}}`, bare or after `<|python_tag|>`, as Llama 3.1 to 3.3 write it.
///
/// Several stand one after the other, separated by `;`. An object in JSON that names none of the given functions is
/// content, and so is Python code.
public struct Llama3ToolCalls: ToolCallFormat {
  public let markers = ["<|python_tag|>"]
  public let separators = [";"]
  public let allowsBareObject = true

  public func isNamed(in template: String) -> Bool {
    template.mentions("{\"name\": function name, \"parameters\": ")
  }

  public func calls(in block: String, tools: [ToolDefinition]) -> [ToolCallDraft]? {
    guard let value = try? JSONValue(parsing: block),
      value["parameters"] != nil || value["arguments"] != nil,
      let call = ToolCallDraft(value, argumentsUnder: ["parameters", "arguments"]),
      tools.contains(where: { $0.name == call.name })
    else { return nil }
    return [ToolCallDraft(name: call.name, arguments: call.arguments)]
  }

  public func opening(of name: String) -> String {
    "{\"name\": \(JSONValue.string(name).text), \"parameters\": {"
  }
}
