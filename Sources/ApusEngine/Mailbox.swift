import Dispatch
import Synchronization

/// Messages from any thread to the engine thread.
package final class Mailbox<Message: Sendable>: Sendable {
  private let messages = Mutex<[Message]>([])
  private let signal = DispatchSemaphore(value: 0)

  package init() {}

  package func post(_ message: Message) {
    messages.withLock { $0.append(message) }
    signal.signal()
  }

  /// All messages that have come, without waiting.
  package func drain() -> [Message] {
    messages.withLock { pending in
      defer { pending = [] }
      return pending
    }
  }

  package var isEmpty: Bool { messages.withLock { $0.isEmpty } }

  /// Waits until there is a message.
  package func wait() {
    // The signal of one that has come may have ended an earlier wait with a limit.
    while isEmpty { signal.wait() }
  }

  /// The same, at most for `limit` seconds.
  package func wait(limit: Double) { _ = signal.wait(timeout: .now() + limit) }
}
