import ApusCore

/// `[TOOL_CALLS][{"name": ..., "arguments": {...}}, ...]`, and `[TOOL_CALLS]name[ARGS]{...}` of newer models.
public struct MistralToolCalls: ToolCallFormat {
  public let markers = ["[TOOL_CALLS]"]
  public let block = ToolCallBlock(.namedJSON)

  public func isNamed(in template: String) -> Bool { template.mentions("[TOOL_CALLS]") }

  public func calls(in block: String, tools: [ToolDefinition]) -> [ToolCallDraft]? {
    guard let first = block.utf8.first(where: { !TextSearch.isSpace($0) }) else { return nil }
    guard first == UInt8(ascii: "[") || first == UInt8(ascii: "{") else { return named(block) }
    guard let value = try? JSONValue(parsing: block) else { return nil }
    let elements = value.arrayValue ?? [value]
    let calls = elements.compactMap {
      ToolCallDraft($0, argumentsUnder: ["arguments", "parameters"])
    }
    return calls.count == elements.count && !calls.isEmpty ? calls : nil
  }

  /// `name[CALL_ID]id[ARGS]{...}`, where the marks may be missing.
  private func named(_ block: String) -> [ToolCallDraft]? {
    guard let brace = block.firstIndex(of: "{"),
      case .object(let arguments)? = try? JSONValue(parsing: String(block[brace...]))
    else { return nil }
    let head = block[..<brace].split(separator: "[ARGS]", omittingEmptySubsequences: false)[0]
    let pieces = head.split(separator: "[CALL_ID]", omittingEmptySubsequences: false)
      .map { String($0).trimmed }
    guard !pieces[0].isEmpty, !pieces[0].contains("[") else { return nil }
    return [
      ToolCallDraft(id: pieces.dropFirst().first, name: pieces[0], arguments: arguments)
    ]
  }

  public func opening(of name: String) -> String {
    "[TOOL_CALLS][{\"name\": \(JSONValue.string(name).text), \"arguments\": {"
  }

  /// Templates of these models refuse ids of any other length.
  public func makeID() -> String { RandomName.make(9) }
}

extension String {
  /// Without white space around it.
  var trimmed: String {
    let tail = drop { $0.isWhitespace }
    return String(tail.reversed().drop { $0.isWhitespace }.reversed())
  }
}
