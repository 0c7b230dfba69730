import Apus
import ApusCore
import Logging
import Synchronization
import Tracing

/// What is remembered of one request until it has been answered; then it becomes a line of the log and a span.
///
/// A record that is given up counts as aborted: the client went before the answer was complete.
final class RequestRecord: Sendable {
  private struct State {
    var fields: Logger.Metadata
    var promptTokens: Int?
    var outputTokens = 0
    var firstToken: ContinuousClock.Instant?
    var finishReasons: [String] = []
    var error: String?
    var isComplete = false
  }

  /// What the log calls the error of a client that went before the end of its answer.
  static let clientClosed = "client_closed"

  let id: String
  let arrived = ContinuousClock.now
  /// The span of the request.
  let span: any Span
  /// Scrapers and balancers ask all the time; what they get is logged for debugging only.
  private let isProbe: Bool
  private let logger: Logger
  private let state: Mutex<State>

  init(
    id: String, isProbe: Bool, span: any Span, logger: Logger, fields: Logger.Metadata
  ) {
    self.id = id
    self.isProbe = isProbe
    self.span = span
    self.logger = logger
    state = Mutex(State(fields: fields))
  }

  deinit { complete(status: nil) }

  /// Adds a field of the log line.
  func note(_ name: String, _ value: Logger.MetadataValue) {
    state.withLock { $0.fields[name] = value }
  }

  /// The prompts have been read; they have so many tokens.
  func begin(promptTokens: Int) { state.withLock { $0.promptTokens = promptTokens } }

  func note(_ event: TextEvent) {
    switch event {
    case .progress, .promptLogprobs: break
    case .delta(_, let tokens):
      state.withLock { state in
        state.outputTokens += tokens.count
        if !tokens.isEmpty, state.firstToken == nil { state.firstToken = .now }
      }
    case .finished(let finish):
      state.withLock { $0.finishReasons.append(finish.reason.rawValue) }
    }
  }

  /// The kind of an error that ends the request.
  func fail(_ kind: String) { state.withLock { $0.error = $0.error ?? kind } }

  /// Writes the line and ends the span; `status` is nil if the answer did not reach its end. Only the first call counts.
  func complete(status: Int?) {
    let state = state.withLock { state -> State? in
      guard !state.isComplete else { return nil }
      defer { state.isComplete = true }
      return state
    }
    guard let state else { return }
    var fields = state.fields
    fields["duration_ms"] = .milliseconds(.now - arrived)
    if let status { fields["status"] = .stringConvertible(status) }
    let error = state.error ?? (status == nil ? Self.clientClosed : nil)
    if let error { fields["error"] = .string(error) }
    if let promptTokens = state.promptTokens {
      fields["prompt_tokens"] = .stringConvertible(promptTokens)
      fields["output_tokens"] = .stringConvertible(state.outputTokens)
    }
    if let firstToken = state.firstToken { fields["ttft_ms"] = .milliseconds(firstToken - arrived) }
    if !state.finishReasons.isEmpty {
      fields["finish"] = .string(Set(state.finishReasons).sorted().joined(separator: ","))
    }
    logger.log(level: isProbe ? .debug : .info, "request", metadata: fields)
    if let status { span.attributes["http.response.status_code"] = status }
    if let error { span.attributes["error.type"] = error }
    // By the conventions for HTTP, what is the client's fault is no error of the server's span.
    if status.map({ $0 >= 500 }) ?? (error != Self.clientClosed) || state.error == "server_error" {
      span.setStatus(SpanStatus(code: .error))
    }
    span.end()
  }
}

extension Logger.MetadataValue {
  /// A time, rounded to microseconds.
  static func milliseconds(_ duration: Duration) -> Self {
    .stringConvertible((duration.milliseconds * 1000).rounded() / 1000)
  }
}
