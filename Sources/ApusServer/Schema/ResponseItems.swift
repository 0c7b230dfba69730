import ApusCore

/// The input of a request in the Responses form, as chat templates read it.
struct ResponseItems {
  private(set) var messages: [JSONValue] = []
  /// What the assistant thought before what comes next.
  private var thought = ""

  init(_ fields: FieldReader) throws {
    if let text = try fields.string("instructions") {
      messages.append(["role": "system", "content": .string(text)])
    }
    switch fields.value("input") {
    case nil: throw fields.invalid("input", "is missing")
    case .string(let text): messages.append(["role": "user", "content": .string(text)])
    case .array(let items):
      guard !items.isEmpty else { throw fields.invalid("input", "must not be empty") }
      for (index, item) in items.enumerated() { try add(fields.element(item, "input", index)) }
    case .some(let value): throw fields.mismatch("input", "a string or an array of items", value)
    }
  }

  private mutating func add(_ item: FieldReader) throws {
    let type = try item.string("type") ?? "message"
    switch type {
    case "message":
      let role = try item.required("role")
      guard ["system", "developer", "user", "assistant"].contains(role) else {
        throw item.invalid("role", "must be one of system, developer, user, assistant")
      }
      let text = try Self.text(item, "content")
      if role == "assistant" {
        append(assistant: text, call: nil)
      } else {
        messages.append(["role": .string(role), "content": .string(text)])
      }
    case "function_call":
      let arguments = try item.required("arguments")
      append(
        assistant: "",
        call: [
          "id": .string(try item.required("call_id")), "type": "function",
          "function": [
            "name": .string(try item.required("name")),
            "arguments": (try? JSONValue(parsing: arguments))?.objectValue.map { .object($0) }
              ?? .string(arguments),
          ],
        ])
    case "function_call_output":
      messages.append([
        "role": "tool", "tool_call_id": .string(try item.required("call_id")),
        "content": .string(try Self.text(item, "output")),
      ])
    case "reasoning":
      if item.has("encrypted_content") { throw item.unsupported("encrypted_content") }
      if item.has("content") { thought = try Self.text(item, "content") }
    default: throw item.unsupported("type", "'\(type)' is not supported")
    }
  }

  /// Text and calls that follow each other are one message.
  private mutating func append(assistant text: String, call: JSONValue?) {
    var message = JSONObject([("role", "assistant"), ("content", .string(text))])
    if call != nil, thought.isEmpty, case .object(let last)? = messages.last,
      last["role"] == "assistant"
    {
      message = last
      messages.removeLast()
    }
    if !thought.isEmpty { message["reasoning_content"] = .string(thought) }
    thought = ""
    if let call {
      message["tool_calls"] = .array((message["tool_calls"]?.arrayValue ?? []) + [call])
    }
    messages.append(.object(message))
  }

  /// The text of a field that is a string or an array of parts.
  private static func text(_ fields: FieldReader, _ name: String) throws -> String {
    switch fields.value(name) {
    case nil: throw fields.invalid(name, "is missing")
    case .string(let text): return text
    case .array(let parts):
      return try parts.enumerated().map { index, value in
        let part = try fields.element(value, name, index)
        let type = try part.required("type")
        switch type {
        case "input_text", "output_text", "text", "reasoning_text":
          return try part.required("text")
        case "refusal": return try part.required("refusal")
        default:
          throw part.unsupported("type", "'\(type)' is not supported; this model reads text only")
        }
      }.joined(separator: "\n")
    case .some(let value): throw fields.mismatch(name, "a string or an array of parts", value)
    }
  }
}
