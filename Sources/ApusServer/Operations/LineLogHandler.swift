import Foundation
import Logging
import Synchronization

/// Writes what is logged, a line for each event.
struct LineLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  private let format: LogFormat
  private let write: @Sendable (String) -> Void

  init(
    _ format: LogFormat, level: Logger.Level, write: @escaping @Sendable (String) -> Void
  ) {
    self.format = format
    self.write = write
    logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    write(format.line(event, all, at: .now))
  }
}

/// Standard error, a line at a time.
enum StandardError {
  private static let lock = Mutex(())

  @Sendable static func write(line: String) {
    // A log that cannot be written ends no request.
    lock.withLock { _ in try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8)) }
  }
}
