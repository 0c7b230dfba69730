import ApusCore

/// What tells the lines of a batch apart.
enum BatchKey: Hashable, CustomStringConvertible {
  /// The bytes of a custom_id: texts of the same bytes are the same, whatever Unicode says.
  case customID([UInt8])
  /// Counted from 1, for a line without a custom_id of its own.
  case line(Int)

  init(customID: String) { self = .customID(Array(customID.utf8)) }

  var description: String {
    switch self {
    case .customID(let bytes): "the custom_id '\(String(decoding: bytes, as: UTF8.self))'"
    case .line(let number): "line \(number)"
    }
  }
}

/// Why a line is not run, in the words of OpenAI's batch errors.
struct BatchLineError: Error, Equatable {
  enum Code: String {
    case invalidJSON = "invalid_json_line"
    case missingParameter = "missing_required_parameter"
    case invalidMethod = "invalid_method"
    case invalidURL = "invalid_url"
    case duplicate = "duplicate_custom_id"
  }

  let code: Code
  let message: String
  var parameter: String?
  /// nil for a line that has none of its own.
  var customID: String?
}

/// A request of a batch: `{"custom_id", "method", "url", "body"}`.
struct BatchLine {
  let customID: String
  let endpoint: any GeneratingEndpoint
  let url: String
  let body: JSONObject

  /// Those whose requests may stand in a batch.
  static let endpoints: [any GeneratingEndpoint] = [ChatCompletions(), Completions()]

  /// Reads a line; throws `BatchLineError`.
  init(parsing bytes: [UInt8]) throws(BatchLineError) {
    let value: JSONValue
    do {
      value = try JSONValue(parsing: bytes)
    } catch {
      throw BatchLineError(code: .invalidJSON, message: "the line is \(error)")
    }
    guard case .object(let object) = value else {
      throw BatchLineError(
        code: .invalidJSON, message: "the line must be a JSON object, not \(value.kind)")
    }
    func missing(_ name: String, _ kind: String, of id: String? = nil) -> BatchLineError {
      let problem = object[name].map { "must be \(kind), not \($0.kind)" } ?? "is missing"
      return BatchLineError(
        code: .missingParameter, message: "'\(name)' \(problem)", parameter: name, customID: id)
    }
    guard let id = object["custom_id"]?.stringValue else { throw missing("custom_id", "a string") }
    guard let method = object["method"]?.stringValue else {
      throw missing("method", "a string", of: id)
    }
    guard method == "POST" else {
      throw BatchLineError(
        code: .invalidMethod, message: "'method' must be POST, not '\(method)'",
        parameter: "method", customID: id)
    }
    guard let url = object["url"]?.stringValue else { throw missing("url", "a string", of: id) }
    guard let endpoint = Self.endpoints.first(where: { $0.matches(url) }) else {
      let valid = Self.endpoints.map { $0.paths[0] }.joined(separator: " or ")
      throw BatchLineError(
        code: .invalidURL, message: "'url' must be \(valid), not '\(url)'", parameter: "url",
        customID: id)
    }
    guard let body = object["body"]?.objectValue else { throw missing("body", "an object", of: id) }
    customID = id
    self.endpoint = endpoint
    self.url = url
    self.body = body
  }
}
