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
      guard case .object(let object) = message else {
        throw fields.invalid("messages[\(index)]", "must be an object, not \(message.kind)")
      }
      return .object(try read(object, FieldReader(object, prefix: "messages[\(index)].")))
    }
  }

  private static func read(_ message: JSONObject, _ fields: FieldReader) throws -> JSONObject {
    guard let role = try fields.string("role") else { throw fields.invalid("role", "is missing") }
    guard roles.contains(role) else {
      throw fields.invalid("role", "must be one of \(roles.joined(separator: ", "))")
    }
    var message = message
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
          guard case .object(let object) = call else {
            throw fields.invalid("tool_calls[\(index)]", "must be an object, not \(call.kind)")
          }
          return .object(withParsedArguments(object))
        })
    }
    return message
  }

  private static func text(_ parts: [JSONValue], _ fields: FieldReader) throws -> String {
    let texts = try parts.enumerated().map { index, part in
      let name = "content[\(index)]"
      if case .string(let text) = part { return text }
      guard case .object(let object) = part else {
        throw fields.invalid(name, "must be an object, not \(part.kind)")
      }
      let nested = FieldReader(object, prefix: fields.path(name) + ".")
      guard let type = try nested.string("type") else { throw nested.invalid("type", "is missing") }
      guard type == "text" || type == "refusal" else {
        throw nested.unsupported("type", "'\(type)' is not supported; this model reads text only")
      }
      guard let text = try nested.string(type) else { throw nested.invalid(type, "is missing") }
      return text
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
