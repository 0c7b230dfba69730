import Foundation

/// What the system tells of this process; nil where it does not.
struct ProcessFigures: Sendable {
  /// Bytes.
  let residentMemory: Int?
  let openFiles: Int?

  static var now: ProcessFigures {
    var residentMemory: Int?
    if let file = FileManager.default.contents(atPath: "/proc/self/status") {
      let line = String(decoding: file, as: UTF8.self).split(separator: "\n")
        .first { $0.hasPrefix("VmRSS:") }
      residentMemory = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
        .flatMap { Int($0) }.map { $0 << 10 }
    }
    let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
    return ProcessFigures(residentMemory: residentMemory, openFiles: files?.count)
  }
}
