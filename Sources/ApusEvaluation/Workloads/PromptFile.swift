import ApusCore

/// Prompts from a file with one JSON object a line: `prompt` (a text or token ids) or `messages`, and how many tokens to
/// ask for as `max_tokens`, `output_len` or `output_tokens`.
struct PromptFile {
  private static let lengthNames = ["max_tokens", "output_len", "output_tokens"]

  let path: String
  let text: String

  /// The requests in the order of the file; those without a length get the one of the options.
  func requests(_ options: DatasetOptions) throws -> [LoadRequest] {
    let lines = text.numberedLines.prefix(options.count ?? .max)
    guard !lines.isEmpty else { throw DatasetError.empty(path: path) }
    return try lines.map { try request($0.text, line: $0.number, options) }
  }

  private func request(
    _ text: String, line: Int, _ options: DatasetOptions
  ) throws -> LoadRequest {
    func malformed(_ reason: String) -> DatasetError {
      .malformed(path: path, line: line, reason: reason)
    }
    let object: JSONValue
    do { object = try JSONValue(parsing: text) } catch { throw malformed("\(error)") }
    var length = options.outputLength
    for name in Self.lengthNames {
      guard let value = object[name], !value.isNull else { continue }
      guard let count = value.intValue, count > 0 else {
        throw malformed("\(name) is no positive integer")
      }
      length = count
      break
    }
    switch (object["prompt"], object["messages"]) {
    case (.string(let prompt), _):
      return LoadRequest(prompt: .text(prompt), outputTokens: length)
    case (.array(let elements), _):
      let tokens = elements.compactMap(\.intValue)
      guard tokens.count == elements.count, !tokens.isEmpty else {
        throw malformed("prompt holds something else than token ids")
      }
      return LoadRequest(
        prompt: .tokens(tokens), inputTokens: tokens.count, outputTokens: length)
    case (nil, .array(let messages)) where !messages.isEmpty:
      return LoadRequest(prompt: .messages(.array(messages)), outputTokens: length)
    default: throw malformed("it has neither a prompt nor messages")
    }
  }
}
