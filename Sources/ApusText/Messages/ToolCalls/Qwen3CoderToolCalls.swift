import ApusCore

/// `<tool_call><function=name><parameter=key>value</parameter></function></tool_call>`, as Qwen3-Coder writes it.
///
/// Values are text; those of parameters that the function's schema gives another type are read as JSON.
public struct Qwen3CoderToolCalls: ToolCallFormat {
  public let markers = ["<tool_call>"]
  public let block = ToolCallBlock(.until("</tool_call>"))

  public func isNamed(in template: String) -> Bool {
    template.mentions("<tool_call>") && template.mentions("<function=")
      && template.mentions("<parameter=")
  }

  public func calls(in block: String, tools: [ToolDefinition]) -> [ToolCallDraft]? {
    var rest = block[...]
    guard let name = rest.tag("<function="), rest.contains("</function>") else { return nil }
    let schema = tools.first { $0.name == name }?.parameters["properties"]
    var arguments = JSONObject()
    while let key = rest.tag("<parameter=") {
      guard let end = rest.firstRange(of: "</parameter>") else { return nil }
      let value = Self.withoutLineBreaks(rest[..<end.lowerBound])
      rest = rest[end.upperBound...]
      arguments[key] = Self.typed(value, schema?[key]?["type"])
    }
    return [ToolCallDraft(name: name, arguments: arguments)]
  }

  /// The line breaks beside the tags are no part of a value.
  private static func withoutLineBreaks(_ text: Substring) -> String {
    var text = text
    if text.first == "\n" { text.removeFirst() }
    if text.last == "\n" { text.removeLast() }
    return String(text)
  }

  private static func typed(_ text: String, _ type: JSONValue?) -> JSONValue {
    guard let type, type != "string", !(type.arrayValue ?? []).contains("string") else {
      return .string(text)
    }
    return (try? JSONValue(parsing: text)) ?? .string(text)
  }

  public func opening(of name: String) -> String { "<tool_call>\n<function=\(name)>\n" }
}

extension Substring {
  /// What stands between the next such tag's beginning and its `>`; the text goes on after it.
  fileprivate mutating func tag(_ beginning: String) -> String? {
    guard let start = firstRange(of: beginning),
      let end = self[start.upperBound...].firstIndex(of: ">")
    else { return nil }
    let name = self[start.upperBound..<end]
    self = self[index(after: end)...]
    return name.isEmpty ? nil : String(name)
  }
}
