import NIOCore
import Synchronization

/// One streamed request of a load: reads its answer and reports once, with the record.
final class LoadExchange: ExchangeReceiver {
  private struct State {
    var record: RequestRecord
    var reader = AnswerReader()
    var status = 0
    var contentType = ""
    /// The body of an answer that is no stream.
    var other: [UInt8] = []
    /// When something of the answer came last.
    var lastEvent: Int64
    var isFinished = false
    var giveUp: (@Sendable () -> Void)?

    /// An untyped answer may be a stream: not all servers say so.
    var isStream: Bool {
      status == 200 && (contentType.isEmpty || contentType.hasPrefix("text/event-stream"))
    }
  }

  /// Bytes kept of an answer that is no stream.
  private static let otherLimit = 4096

  private let state: Mutex<State>
  private let finish: @Sendable (RequestRecord) -> Void

  init(_ record: RequestRecord, finish: @escaping @Sendable (RequestRecord) -> Void) {
    state = Mutex(State(record: record, lastEvent: record.sent))
    self.finish = finish
  }

  /// How to give it up, once it is on its way.
  func isSent(giveUp: @escaping @Sendable () -> Void) {
    state.withLock { state in
      if !state.isFinished { state.giveUp = giveUp }
    }
  }

  func responded(status: Int, contentType: String) {
    state.withLock { state in
      state.status = status
      state.contentType = contentType.lowercased()
    }
  }

  func received(_ bytes: ByteBuffer, at time: Int64) {
    let failure = state.withLock { state -> LoadFailure? in
      guard !state.isFinished else { return nil }
      guard state.isStream else {
        state.other += bytes.readableBytesView.prefix(Self.otherLimit - state.other.count)
        return nil
      }
      let before = state.reader.arrivals.count
      do {
        try state.reader.read(bytes.readableBytesView, at: time)
      } catch {
        return error as? LoadFailure ?? .malformed("\(error)")
      }
      // Comments, which servers send to keep a connection, are no progress.
      if state.reader.arrivals.count > before { state.lastEvent = time }
      return nil
    }
    if let failure { stop(failure, at: time) }
  }

  func ended(at time: Int64) {
    complete(at: time) { state in
      guard state.status == 200 else {
        return .status(state.status, LoadFailure.message(in: state.other))
      }
      guard state.isStream else { return .notStreamed(type: state.contentType) }
      do { try state.reader.finish(&state.record) } catch {
        return error as? LoadFailure ?? .malformed("\(error)")
      }
      return nil
    }
  }

  func failed(_ failure: LoadFailure, at time: Int64) { complete(at: time) { _ in failure } }

  /// Gives up a request to which nothing has come for too long.
  func checkStall(at time: Int64, timeout: Double) {
    let isStalled = state.withLock { Double(time - $0.lastEvent) > timeout * 1e9 }
    if isStalled { stop(.stalled(seconds: timeout), at: time) }
  }

  /// Closes its connection; nothing is reported any more.
  func abandon() {
    let giveUp = state.withLock { state in
      state.isFinished = true
      defer { state.giveUp = nil }
      return state.giveUp
    }
    giveUp?()
  }

  private func stop(_ failure: LoadFailure, at time: Int64) {
    let giveUp = state.withLock { $0.giveUp }
    complete(at: time) { _ in failure }
    giveUp?()
  }

  private func complete(at time: Int64, _ outcome: (inout State) -> LoadFailure?) {
    let record = state.withLock { state -> RequestRecord? in
      guard !state.isFinished else { return nil }
      state.isFinished = true
      state.giveUp = nil
      state.record.failure = outcome(&state)
      state.record.ended = time
      return state.record
    }
    if let record { finish(record) }
  }
}
