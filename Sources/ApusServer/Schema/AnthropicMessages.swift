import ApusCore

/// The conversation of a request in Anthropic's form, as chat templates read it.
struct AnthropicMessages {
  private(set) var messages: [JSONValue] = []
  /// What a last message of the assistant says: the answer goes on from there.
  private(set) var prefill = ""
  /// The functions of the calls so far, by their ids.
  private var functions: [String: String] = [:]

  init(_ fields: FieldReader) throws {
    if fields.has("system") {
      messages.append(
        ["role": "system", "content": .string(try Self.text(fields, "system"))])
    }
    guard let list = try fields.array("messages") else {
      throw fields.invalid("messages", "is missing")
    }
    guard !list.isEmpty else { throw fields.invalid("messages", "must not be empty") }
    for (index, message) in list.enumerated() {
      let nested = try fields.element(message, "messages", index)
      switch try nested.required("role") {
      case "user": try addUser(nested)
      case "assistant": try addAssistant(nested)
      case let role: throw nested.invalid("role", "must be user or assistant, not '\(role)'")
      }
    }
    if let last = messages.last, last["role"] == "assistant", last["tool_calls"] == nil {
      prefill = last["content"]?.stringValue ?? ""
      messages.removeLast()
      guard !messages.isEmpty else {
        throw fields.invalid("messages", "must hold a message of the user")
      }
    }
  }

  /// Results of calls come first, as messages of their own.
  private mutating func addUser(_ fields: FieldReader) throws {
    var texts: [String] = []
    for block in try Self.blocks(fields, "content") {
      switch try block.required("type") {
      case "text": texts.append(try block.required("text"))
      case "tool_result":
        let id = try block.required("tool_use_id")
        var message = JSONObject([("role", "tool"), ("tool_call_id", .string(id))])
        if let name = functions[id] { message["name"] = .string(name) }
        let text = block.has("content") ? try Self.text(block, "content") : ""
        let isError = try block.bool("is_error") ?? false
        message["content"] = .string(isError ? "Error: " + text : text)
        messages.append(.object(message))
      case let type: throw Self.unsupported(type, block)
      }
    }
    if !texts.isEmpty {
      messages.append(["role": "user", "content": .string(texts.joined(separator: "\n"))])
    }
  }

  private mutating func addAssistant(_ fields: FieldReader) throws {
    var texts: [String] = []
    var thoughts: [String] = []
    var calls: [JSONValue] = []
    for block in try Self.blocks(fields, "content") {
      switch try block.required("type") {
      case "text": texts.append(try block.required("text"))
      case "thinking": thoughts.append(try block.required("thinking"))
      case "tool_use":
        let id = try block.required("id")
        let name = try block.required("name")
        functions[id] = name
        let input = try block.object("input") ?? JSONObject()
        calls.append([
          "id": .string(id), "type": "function",
          "function": ["name": .string(name), "arguments": .object(input)],
        ])
      case let type: throw Self.unsupported(type, block)
      }
    }
    var message = JSONObject([
      ("role", "assistant"), ("content", .string(texts.joined(separator: "\n"))),
    ])
    if !thoughts.isEmpty {
      message["reasoning_content"] = .string(thoughts.joined(separator: "\n"))
    }
    if !calls.isEmpty { message["tool_calls"] = .array(calls) }
    messages.append(.object(message))
  }

  private static func unsupported(_ type: String, _ block: FieldReader) -> RequestError {
    block.unsupported("type", "'\(type)' is not supported")
  }

  /// The blocks of a field; a string is one of text.
  private static func blocks(_ fields: FieldReader, _ name: String) throws -> [FieldReader] {
    switch fields.value(name) {
    case .string(let text):
      [FieldReader(JSONObject([("type", "text"), ("text", .string(text))]))]
    case .array(let blocks):
      try blocks.enumerated().map { try fields.element($1, name, $0) }
    case nil: throw fields.invalid(name, "is missing")
    case .some(let value): throw fields.mismatch(name, "a string or an array of blocks", value)
    }
  }

  /// The text of a field that holds text only.
  private static func text(_ fields: FieldReader, _ name: String) throws -> String {
    try blocks(fields, name).map { block in
      let type = try block.required("type")
      guard type == "text" else { throw unsupported(type, block) }
      return try block.required("text")
    }.joined(separator: "\n")
  }
}
