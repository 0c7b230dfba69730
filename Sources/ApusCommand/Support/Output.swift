import ApusCore
import Foundation

/// Writes results to standard output and all else to standard error.
enum Output {
  /// A terminal gets no control characters: the text may be a model's or a file's.
  static func write(_ text: String) throws {
    try writeUnchecked(isTerminal ? text.harmless : text)
  }

  /// The same for text that has this program's own control sequences and no others.
  static func writeUnchecked(_ text: String) throws {
    guard !text.isEmpty else { return }
    try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
  }

  static func line(_ text: String) throws { try write(text + "\n") }

  static func json(_ value: JSONValue) throws { try line(value.text) }

  /// Writes a file; throws `CommandError`.
  static func write(_ text: String, to path: String) throws {
    do { try Data(text.utf8).write(to: URL(filePath: path)) } catch {
      throw CommandError.cannotWrite(path: path, reason: error.localizedDescription)
    }
  }

  /// Throws what `write` would throw, as far as that can be known before; `-` is standard output.
  static func checkCanWrite(to path: String?) throws {
    guard let path, path != "-" else { return }
    let url = URL(filePath: path)
    let attributes = try? FileManager.default.attributesOfItem(
      atPath: url.resolvingSymlinksInPath().path)
    guard attributes?[.type] as? FileAttributeType != .typeDirectory else {
      throw CommandError.cannotWrite(path: path, reason: "it is a folder")
    }
    let exists = FileManager.default.fileExists(atPath: path)
    let target = exists ? path : url.deletingLastPathComponent().path
    guard FileManager.default.isWritableFile(atPath: target) else {
      throw CommandError.cannotWrite(path: path, reason: "nothing can be written to \(target)")
    }
  }

  /// A line for people; lost when standard error is closed.
  static func note(_ text: String) {
    let line = (errorsAreTerminal ? text.harmless : text) + "\n"
    try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
  }

  static let isTerminal = isatty(STDOUT_FILENO) == 1
  static let inputIsTerminal = isatty(STDIN_FILENO) == 1
  static let errorsAreTerminal = isatty(STDERR_FILENO) == 1

  /// Whether text on standard output may have styles.
  static let showsStyles = Terminal.showsStyles(
    isTerminal: isTerminal, environment: ProcessInfo.processInfo.environment)
}

extension Double {
  /// The number with at most three decimals, for output.
  var rounded3: Double { (self * 1000).rounded() / 1000 }

  func formatted(decimals: Int) -> String { String(format: "%.\(decimals)f", self) }
}

extension Duration {
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }

  var milliseconds: Double { seconds * 1000 }
}
