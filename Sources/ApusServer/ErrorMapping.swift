import Apus
import ApusCore
import ApusEngine
import ApusText
import HTTPTypes
import Hummingbird

/// Why a request is refused before it reaches the engine.
enum RequestError: Error, Equatable {
  /// A field with a wrong type or value.
  case invalid(parameter: String?, String)
  /// A known field or endpoint that this server does not implement.
  case unsupported(parameter: String?, String)
  case unauthorized(String)
  case notFound(String)
  case wrongMethod(path: String, allowed: String)
  case bodyTooLarge(limit: Int)
  case headersTooLarge(limit: Int)
  /// The body did not come in time.
  case bodyTimeout
  /// What came is not HTTP.
  case malformedHTTP
  case forbidden(String)
  case unavailable(String)
  /// The client has gone; nobody reads the answer.
  case disconnected
}

/// An error as HTTP tells it.
struct APIError {
  var status: HTTPResponse.Status
  var type: String
  var message: String
  var parameter: String?
  var details: [(key: String, value: JSONValue)] = []
  var headers = HTTPFields()

  /// `{"error": {...}}`
  var body: JSONValue {
    var error = JSONObject([
      ("message", .string(message)), ("type", .string(type)),
      ("param", parameter.map { .string($0) } ?? .null), ("code", .integer(Int64(status.code))),
    ])
    for (key, value) in details { error[key] = value }
    return .object(JSONObject([("error", .object(error))]))
  }

  func response(_ body: JSONValue) -> Response { .json(body, status: status, headers: headers) }
}

extension APIError {
  private static let invalidRequest = "invalid_request_error"

  /// The one place that decides what a client is told of an error.
  init(_ error: any Error) {
    switch error {
    case let error as RequestError: self.init(error)
    case let error as EngineError: self.init(error)
    case let error as EmbeddingError: self.init(error)
    case let error as JSONError:
      self.init(
        status: .badRequest, type: Self.invalidRequest, message: "the body is \(error)")
    case let error as ChatTemplateError:
      self.init(
        status: .badRequest, type: Self.invalidRequest, message: error.description,
        parameter: "messages")
    default:
      self.init(
        status: .internalServerError, type: "server_error", message: "an internal error occurred")
    }
  }

  private init(_ error: RequestError) {
    switch error {
    case .invalid(let parameter, let message):
      self.init(
        status: .badRequest, type: Self.invalidRequest, message: message, parameter: parameter)
    case .unsupported(let parameter, let message):
      self.init(
        status: .notImplemented, type: "not_supported_error", message: message,
        parameter: parameter)
    case .unauthorized(let message):
      self.init(
        status: .unauthorized, type: "authentication_error", message: message,
        headers: [.wwwAuthenticate: "Bearer"])
    case .notFound(let message):
      self.init(status: .notFound, type: "not_found_error", message: message)
    case .wrongMethod(let path, let allowed):
      self.init(
        status: .methodNotAllowed, type: Self.invalidRequest,
        message: "\(path) takes \(allowed) only", headers: [.allow: allowed])
    case .bodyTooLarge(let limit):
      self.init(
        status: .contentTooLarge, type: Self.invalidRequest,
        message: "the body is larger than \(limit) bytes")
    case .headersTooLarge(let limit):
      self.init(
        status: .requestHeaderFieldsTooLarge, type: Self.invalidRequest,
        message: "the header fields are longer than \(limit) bytes or too many",
        headers: [.connection: "close"])
    case .bodyTimeout:
      self.init(
        status: .requestTimeout, type: Self.invalidRequest,
        message: "the body did not come in time", headers: [.connection: "close"])
    case .malformedHTTP:
      self.init(
        status: .badRequest, type: Self.invalidRequest, message: "the request is not valid HTTP",
        headers: [.connection: "close"])
    case .forbidden(let message):
      self.init(status: .forbidden, type: "permission_error", message: message)
    case .unavailable(let message):
      self.init(
        status: .serviceUnavailable, type: "unavailable_error", message: message,
        headers: [.retryAfter: "5"])
    case .disconnected:
      self.init(
        status: HTTPResponse.Status(code: 499, reasonPhrase: "Client Closed Request"),
        type: Self.invalidRequest, message: "the client closed the connection")
    }
  }

  /// As llama-server tells of a prompt that is beyond the context.
  private init(tooLong message: String, parameter: String, tokens: Int, contextLength: Int) {
    self.init(
      status: .badRequest, type: "exceed_context_size_error", message: message,
      parameter: parameter,
      details: [
        ("n_prompt_tokens", .integer(Int64(tokens))), ("n_ctx", .integer(Int64(contextLength))),
      ])
  }

  private init(_ error: EmbeddingError) {
    let message = error.description
    switch error {
    case .emptyText, .invalidToken:
      self.init(
        status: .badRequest, type: Self.invalidRequest, message: message, parameter: "input")
    case .textTooLong(_, let tokens, let contextLength):
      self.init(
        tooLong: message, parameter: "input", tokens: tokens, contextLength: contextLength)
    case .fixedDimensions, .unknownDimensions:
      self.init(
        status: .badRequest, type: Self.invalidRequest, message: "'dimensions': \(message)",
        parameter: "dimensions")
    case .crossEncoder, .labels:
      self.init(RequestError.unsupported(parameter: nil, message))
    }
  }

  private init(_ error: EngineError) {
    let message = error.description
    switch error {
    case .emptyPrompt, .invalidToken:
      self.init(
        status: .badRequest, type: Self.invalidRequest, message: message, parameter: "prompt")
    case .promptTooLong(let tokens, let contextLength):
      self.init(
        tooLong: message, parameter: "prompt", tokens: tokens, contextLength: contextLength)
    case .kvPolicy, .noDraft:
      self.init(
        status: .badRequest, type: Self.invalidRequest, message: message,
        parameter: "apus.kv_policy")
    case .overloaded:
      self.init(
        status: .tooManyRequests, type: "overloaded_error", message: message,
        headers: [.retryAfter: "1"])
    case .deadlineExceeded: self.init(RequestError.unavailable(message))
    case .shuttingDown:
      self.init(RequestError.unavailable("the server is shutting down"))
    case .invalidContextLength, .modelTooLarge, .contextTooLarge, .headTooLarge:
      self.init(status: .internalServerError, type: "server_error", message: message)
    }
  }
}
