import Foundation
import Synchronization

/// One line on a terminal that shows how far a long piece of work is; nothing when standard error is no terminal.
final class ProgressBar: Sendable {
  private struct State {
    var drawn: ContinuousClock.Instant?
  }

  private let label: String
  private let isEnabled: Bool
  private let started = ContinuousClock.now
  private let state = Mutex(State())

  /// Short work shows no bar.
  private static let delay = Duration.seconds(1)
  private static let interval = Duration.milliseconds(100)
  private static let width = 30

  init(_ label: String, quiet: Bool = false) {
    self.label = label
    isEnabled = !quiet && isatty(STDERR_FILENO) == 1
  }

  func update(_ done: Int, of total: Int?, detail: String? = nil) {
    guard isEnabled else { return }
    let now = ContinuousClock.now
    guard now - started > Self.delay else { return }
    state.withLock { state in
      if let drawn = state.drawn, now - drawn < Self.interval { return }
      state.drawn = now
      draw(done, total, detail)
    }
  }

  /// Clears the line.
  func finish() {
    state.withLock { state in
      guard state.drawn != nil else { return }
      state.drawn = nil
      Self.write("\r\u{1B}[K")
    }
  }

  private func draw(_ done: Int, _ total: Int?, _ detail: String?) {
    var text = "\r\u{1B}[K\(label) "
    if let total, total > 0 {
      let fraction = min(1, max(0, Double(done) / Double(total)))
      let full = Int(fraction * Double(Self.width))
      let rest = String(repeating: "·", count: Self.width - full)
      text += String(repeating: "█", count: full) + rest + " \(Int(fraction * 100)) %"
    }
    Self.write(text + (detail.map { " " + $0 } ?? ""))
  }

  private static func write(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }
}
