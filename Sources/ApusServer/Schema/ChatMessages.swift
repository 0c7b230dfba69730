import ApusCore

/// The messages of a conversation, checked and in the form that chat templates read.
enum ChatMessages {
  private static let roles = ["system", "developer", "user", "assistant", "tool", "function"]

  static func read(_ fields: FieldReader) throws -> [JSONValue] {
    guard let messages = try fields.array("messages") else {
      throw fields.invalid("messages", "is missing")
    }
    guard !messages.isEmpty else { throw fields.invalid("messages", "must not be empty") }
    return try messages.enumerated().map { index, message in
      .object(try read(fields.element(message, "messages", index)))
    }
  }

  private static func read(_ fields: FieldReader) throws -> JSONObject {
    let role = try fields.required("role")
    guard roles.contains(role) else {
      throw fields.invalid("role", "must be one of \(roles.joined(separator: ", "))")
    }
    var message = fields.object
    switch fields.value("content") {
    case .string: break
    case .array(let parts): message["content"] = .string(try text(parts, fields))
    case nil:
      guard role == "assistant", fields.has("tool_calls") || fields.has("reasoning_content") else {
        throw fields.invalid("content", "is missing")
      }
      message["content"] = ""
    case .some(let value):
      throw fields.mismatch("content", "a string or an array of parts", value)
    }
    if let calls = try fields.array("tool_calls") {
      message["tool_calls"] = .array(
        try calls.enumerated().map { index, call in
          .object(withParsedArguments(try fields.element(call, "tool_calls", index).object))
        })
    }
    return message
  }

  private static func text(_ parts: [JSONValue], _ fields: FieldReader) throws -> String {
    let texts = try parts.enumerated().map { index, part in
      if case .string(let text) = part { return text }
      let nested = try fields.element(part, "content", index)
      let type = try nested.required("type")
      guard type == "text" || type == "refusal" else {
        throw nested.unsupported("type", "'\(type)' is not supported; this model reads text only")
      }
      return try nested.required(type)
    }
    return texts.joined(separator: "\n")
  }

  /// OpenAI sends the arguments of a call as JSON text; templates iterate over them.
  private static func withParsedArguments(_ call: JSONObject) -> JSONObject {
    guard case .object(var function)? = call["function"],
      case .string(let text)? = function["arguments"],
      let arguments = try? JSONValue(parsing: text), case .object = arguments
    else { return call }
    function["arguments"] = arguments
    var call = call
    call["function"] = .object(function)
    return call
  }
}
