import Foundation
import Synchronization

/// One line on a terminal that shows how far a long piece of work is; nothing when standard error is no terminal.
///
/// A thread draws it, so that work is not held up by the terminal, and work that tells little still shows its line.
package final class ProgressBar: Sendable {
  private struct State {
    var line: ProgressLine?
    var drawn: ProgressLine?
  }

  private let label: String
  private let write: @Sendable (String) -> Void
  private let isEnabled: Bool
  private let state = Mutex(State())

  /// Short work shows no bar.
  private static let delay = 1.0
  private static let interval = 0.1

  convenience init(_ label: String, quiet: Bool = false) {
    let isShown =
      !quiet && Output.errorsAreTerminal
      && Terminal.obeysSequences(ProcessInfo.processInfo.environment)
    self.init(label, isEnabled: isShown) {
      try? FileHandle.standardError.write(contentsOf: Data($0.utf8))
    }
    guard isShown else { return }
    Thread.detachNewThread { [weak self] in
      Thread.sleep(forTimeInterval: Self.delay)
      while self?.draw() != nil { Thread.sleep(forTimeInterval: Self.interval) }
    }
  }

  /// A bar that draws itself only when `draw` is called.
  package init(_ label: String, isEnabled: Bool, write: @escaping @Sendable (String) -> Void) {
    self.label = label
    self.isEnabled = isEnabled
    self.write = write
  }

  /// - Parameter total: nil when it is not known, and there is no bar but the detail.
  package func update(_ done: Int, of total: Int?, detail: String? = nil) {
    guard isEnabled else { return }
    let line = ProgressLine(label: label, done: done, total: total, detail: detail)
    state.withLock { $0.line = line }
  }

  /// Clears the line; the next update brings it back.
  package func finish() {
    state.withLock { state in
      if state.drawn != nil { write(ProgressLine.cleared) }
      state = State()
    }
  }

  /// Draws the line if it has changed.
  package func draw() {
    state.withLock { state in
      guard let line = state.line, line != state.drawn else { return }
      state.drawn = line
      write(line.drawing)
    }
  }
}

/// What the line of a progress bar shows.
package struct ProgressLine: Equatable, Sendable {
  package var label: String
  package var done: Int
  package var total: Int?
  package var detail: String?

  private static let width = 30
  private static let labelLength = 40

  package init(label: String, done: Int, total: Int?, detail: String? = nil) {
    (self.label, self.done, self.total, self.detail) = (label, done, total, detail)
  }

  /// Back to the start of the line, and the line emptied.
  package static let cleared = "\r\u{1B}[K"

  /// What writes the line over an earlier one. It does not wrap: of a wrapped line, a part would stay.
  package var drawing: String { "\u{1B}[?7l\(Self.cleared)\(text.harmless)\u{1B}[?7h" }

  package var text: String {
    var parts = [shortLabel]
    if let total, total > 0 {
      let fraction = min(1, max(0, Double(done) / Double(total)))
      let full = Int(fraction * Double(Self.width))
      parts.append(
        String(repeating: "█", count: full) + String(repeating: "·", count: Self.width - full)
          + " \(Int(fraction * 100)) %")
    }
    if let detail { parts.append(detail) }
    return parts.joined(separator: " ")
  }

  /// Of a long path, what it begins and ends with.
  private var shortLabel: String {
    guard label.count > Self.labelLength else { return label }
    return label.prefix(Self.labelLength / 3) + "…" + label.suffix(Self.labelLength * 2 / 3)
  }
}
