import Dispatch
import Foundation
import Synchronization

/// Turns Ctrl-C into the cancellation of a task; without a task it does nothing.
final class Interrupts {
  private final class Target: Sendable {
    let cancel = Mutex<(@Sendable () -> Void)?>(nil)
  }

  private let target = Target()
  private let source: any DispatchSourceSignal

  init() {
    signal(SIGINT, SIG_IGN)
    source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    source.setEventHandler { [target] in target.cancel.withLock { $0 }?() }
    source.resume()
  }

  /// The task's value; Ctrl-C cancels the task meanwhile.
  func value<Success: Sendable>(of task: Task<Success, any Error>) async throws -> Success {
    target.cancel.withLock { $0 = { task.cancel() } }
    defer { target.cancel.withLock { $0 = nil } }
    return try await task.value
  }
}
