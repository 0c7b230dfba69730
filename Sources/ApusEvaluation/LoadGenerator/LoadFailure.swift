import ApusCore

/// Why a request has no answer.
package enum LoadFailure: Error, Sendable, Equatable, CustomStringConvertible {
  case refused(String)
  case unreachable(String)
  case reset
  case tooManyFiles
  case status(Int, String)
  case notStreamed(type: String)
  case malformed(String)
  /// An error that came as an event of the stream.
  case event(String)
  case cutShort
  case noTokens
  case stalled(seconds: Double)

  /// What failures of one kind have in common.
  package var kind: String {
    switch self {
    case .refused: "connection refused"
    case .unreachable: "server cannot be reached"
    case .reset: "connection closed by the server"
    case .tooManyFiles: "too many open files"
    case .status(let status, _): "HTTP status \(status)"
    case .notStreamed: "answer is no event stream"
    case .malformed: "malformed stream"
    case .event: "error in the stream"
    case .cutShort: "stream ended early"
    case .noTokens: "no token arrived"
    case .stalled: "stalled"
    }
  }

  package var description: String {
    switch self {
    case .refused(let address): "\(kind): nothing listens on \(address)"
    case .unreachable(let reason), .malformed(let reason), .event(let reason): "\(kind): \(reason)"
    case .reset, .cutShort, .noTokens: kind
    case .tooManyFiles: "\(kind); raise the limit, for example with ulimit -n 20000"
    case .status(let status, let message):
      message.isEmpty ? "HTTP status \(status)" : "HTTP status \(status): \(message)"
    case .notStreamed(let type): "\(kind) but \(type.isEmpty ? "untyped" : type)"
    case .stalled(let seconds): "\(kind): no token for \(seconds) s; see --timeout"
    }
  }

  /// The message of an answer that is no success: the `message` of its error, or how it begins.
  package static func message(in bytes: [UInt8]) -> String {
    let limit = 200
    let json = try? JSONValue(parsing: bytes)
    let error = json?["error"] ?? json?["detail"] ?? json
    let text =
      error?["message"]?.stringValue ?? error?.stringValue
      ?? String(decoding: bytes.prefix(limit), as: UTF8.self)
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    return line.count > limit ? line.prefix(limit) + "…" : line
  }
}
