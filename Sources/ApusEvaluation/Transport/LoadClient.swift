import ApusCore
import NIOCore
import NIOPosix
import Synchronization

/// A server, the way to it and the key for it.
package struct LoadClient: Sendable {
  package let address: ServerAddress
  let transport: any Transport
  let group: MultiThreadedEventLoopGroup
  /// Seconds without a token after which a request is given up.
  package let timeout: Double
  private let headers: [(name: String, value: String)]

  /// - Parameter threads: Event loops; one can follow thousands of requests.
  package init(_ address: ServerAddress, apiKey: String?, timeout: Double, threads: Int = 1) {
    self.address = address
    self.timeout = timeout
    group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
    transport =
      address.isSecure
      ? SecureTransport(address, timeout: timeout)
      : PlainTransport(address, group: group, timeout: timeout)
    headers =
      [
        ("Host", address.authority), ("User-Agent", "apus"), ("Accept", "*/*"),
        ("Content-Type", "application/json"),
      ] + (apiKey.map { [("Authorization", "Bearer \($0)")] } ?? [])
  }

  package func shutdown() async throws {
    await transport.shutdown()
    try await group.shutdownGracefully()
  }

  func request(_ method: String, _ path: String, _ body: ByteBuffer) -> OutgoingRequest {
    OutgoingRequest(method: method, path: address.prefix + path, headers: headers, body: body)
  }

  /// Sends a request and waits for its whole answer; throws `LoadFailure`.
  package func fetch(
    _ method: String, _ path: String, _ body: [UInt8] = []
  ) async throws -> (status: Int, body: [UInt8]) {
    let receiver = WholeAnswer()
    let giveUp = transport.send(request(method, path, ByteBuffer(bytes: body)), to: receiver)
    let timer = group.any().scheduleTask(in: .nanoseconds(Int64(min(timeout, 1e6) * 1e9))) {
      receiver.failed(.stalled(seconds: timeout), at: 0)
      giveUp()
    }
    defer { timer.cancel() }
    return try await withTaskCancellationHandler {
      try await receiver.value()
    } onCancel: {
      receiver.cancel()
      giveUp()
    }
  }

  /// The first model that the server names; throws `LoadFailure`.
  package func firstModel() async throws -> String {
    let (status, bytes) = try await fetch("GET", "/v1/models")
    guard status == 200 else { throw LoadFailure.status(status, LoadFailure.message(in: bytes)) }
    let answer = try? JSONValue(parsing: bytes)
    guard let name = answer?["data"]?.arrayValue?.first?["id"]?.stringValue else {
      throw LoadFailure.malformed("/v1/models names no model; give --model")
    }
    return name
  }
}

/// Collects one answer.
private final class WholeAnswer: ExchangeReceiver {
  private typealias Answer = Result<(status: Int, body: [UInt8]), any Error>

  private struct State {
    var status = 0
    var body: [UInt8] = []
    var answer: Answer?
    var waiter: CheckedContinuation<(status: Int, body: [UInt8]), any Error>?
  }

  private let state = Mutex(State())

  func value() async throws -> (status: Int, body: [UInt8]) {
    try await withCheckedThrowingContinuation { continuation in
      let answer = state.withLock { state in
        if state.answer == nil { state.waiter = continuation }
        return state.answer
      }
      if let answer { continuation.resume(with: answer) }
    }
  }

  func responded(status: Int, contentType: String) { state.withLock { $0.status = status } }

  func received(_ bytes: ByteBuffer, at time: Int64) {
    state.withLock { $0.body += bytes.readableBytesView }
  }

  func ended(at time: Int64) { finish { .success(($0.status, $0.body)) } }

  func failed(_ failure: LoadFailure, at time: Int64) { finish { _ in .failure(failure) } }

  func cancel() { finish { _ in .failure(CancellationError()) } }

  private func finish(_ answer: (State) -> Answer) {
    let (waiter, result) = state.withLock { state in
      let result = state.answer ?? answer(state)
      defer { state.waiter = nil }
      state.answer = result
      return (state.waiter, result)
    }
    waiter?.resume(with: result)
  }
}
