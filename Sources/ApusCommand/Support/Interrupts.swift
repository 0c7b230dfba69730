import Dispatch
import Foundation
import Synchronization

/// Turns Ctrl-C, or other signals, into the cancellation of a task; without a task they do nothing.
final class Interrupts {
  private final class Target: Sendable {
    let cancel = Mutex<(@Sendable () -> Void)?>(nil)
  }

  private let target = Target()
  private let sources: [any DispatchSourceSignal]

  /// With `once`, a second signal ends the program.
  init(_ signals: [Int32] = [SIGINT], once: Bool = false) {
    sources = signals.map { number in
      signal(number, SIG_IGN)
      return DispatchSource.makeSignalSource(signal: number, queue: .global())
    }
    for (number, source) in zip(signals, sources) {
      source.setEventHandler { [target] in
        target.cancel.withLock { $0 }?()
        if once { signal(number, SIG_DFL) }
      }
      source.resume()
    }
  }

  /// The task's value; a signal cancels the task meanwhile.
  func value<Success: Sendable>(of task: Task<Success, any Error>) async throws -> Success {
    target.cancel.withLock { $0 = { task.cancel() } }
    defer { target.cancel.withLock { $0 = nil } }
    return try await task.value
  }
}
