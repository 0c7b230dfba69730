import Dispatch
import Synchronization

/// Messages from any thread to the engine thread.
final class Mailbox<Message: Sendable>: Sendable {
  private let messages = Mutex<[Message]>([])
  private let signal = DispatchSemaphore(value: 0)

  func post(_ message: Message) {
    messages.withLock { $0.append(message) }
    signal.signal()
  }

  /// All messages that have come, without waiting.
  func drain() -> [Message] {
    messages.withLock { pending in
      defer { pending = [] }
      return pending
    }
  }

  /// Waits until there may be a message.
  func wait() { signal.wait() }

  /// The same, at most for `limit` seconds.
  func wait(limit: Double) { _ = signal.wait(timeout: .now() + limit) }
}
