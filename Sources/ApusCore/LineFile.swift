import Foundation

/// A file of whole lines, locked, to which one line is added at a time.
///
/// Whenever the process ends, at most the last line is torn; it is cut off when the file is opened again.
package final class LineFile {
  package let path: String
  private let handle: FileHandle
  /// Bytes of whole lines.
  private var length = 0
  private var written = ContinuousClock.now
  private var hasNews = false

  /// Time between moments at which the lines are brought to the disk.
  private static let interval = Duration.seconds(1)

  /// Opens or makes the file and passes on each line with its number, counted from 1.
  ///
  /// `start` is how every line begins: what is left at the end and begins otherwise was not torn by this program.
  /// Throws `LineFileError` and what `note` throws.
  package init(path: String, start: [UInt8], note: ([UInt8], Int) throws -> Void) throws {
    self.path = path
    handle = try Self.open(path)
    try read(start: start, note)
  }

  deinit { try? handle.close() }

  private static func open(_ path: String) throws -> FileHandle {
    let url = URL(filePath: path)
    do {
      do {
        try Data().write(to: url, options: .withoutOverwriting)
      } catch let error as CocoaError where error.code == .fileWriteFileExists {}
      let type = try FileManager.default.attributesOfItem(
        atPath: url.resolvingSymlinksInPath().path)
      guard type[.type] as? FileAttributeType == .typeRegular else {
        throw LineFileError.cannotOpen(path: path, reason: "it is no regular file")
      }
      let handle = try FileHandle(forUpdating: url)
      guard flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0 else {
        throw LineFileError.inUse(path: path)
      }
      return handle
    } catch let error as LineFileError {
      throw error
    } catch {
      throw LineFileError.cannotOpen(path: path, reason: reason(error))
    }
  }

  /// What the system says, for which Foundation may have a number only.
  private static func reason(_ error: any Error) -> String {
    let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
    return (cause ?? error).localizedDescription
      .replacing("The operation could not be completed. ", with: "")
  }

  /// Reads the lines that are there and cuts a torn one off.
  private func read(start: [UInt8], _ note: ([UInt8], Int) throws -> Void) throws {
    var rest: [UInt8] = []
    var number = 0
    while let data = try reading({ try handle.read(upToCount: 1 << 20) }), !data.isEmpty {
      rest += data
      var first = 0
      while let end = rest[first...].firstIndex(of: UInt8(ascii: "\n")) {
        number += 1
        try note(Array(rest[first..<end]), number)
        first = end + 1
      }
      length += first
      rest.removeFirst(first)
    }
    guard rest.starts(with: start.prefix(rest.count)) else {
      throw LineFileError.unfinished(path: path, line: number + 1)
    }
    try reading {
      if !rest.isEmpty { try handle.truncate(atOffset: UInt64(length)) }
      try handle.seek(toOffset: UInt64(length))
    }
  }

  private func reading<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch {
      throw LineFileError.cannotRead(path: path, reason: Self.reason(error))
    }
  }

  /// Adds a line; throws `LineFileError` and leaves whole lines behind when it cannot.
  package func append(_ line: [UInt8]) throws {
    let bytes = line + [UInt8(ascii: "\n")]
    do {
      // One call, so that a kill tears nothing but the end.
      try handle.write(contentsOf: Data(bytes))
    } catch {
      try? handle.truncate(atOffset: UInt64(length))
      throw LineFileError.cannotWrite(path: path, reason: Self.reason(error))
    }
    length += bytes.count
    hasNews = true
    if .now - written >= Self.interval { try synchronize() }
  }

  /// Returns when all lines are on the disk.
  package func synchronize() throws {
    guard hasNews else { return }
    do {
      try handle.synchronize()
    } catch {
      throw LineFileError.cannotWrite(path: path, reason: Self.reason(error))
    }
    (written, hasNews) = (.now, false)
  }
}

/// Why a file of lines cannot be used.
package enum LineFileError: Error, Equatable, CustomStringConvertible {
  case cannotOpen(path: String, reason: String)
  case inUse(path: String)
  case cannotRead(path: String, reason: String)
  case cannotWrite(path: String, reason: String)
  /// What stands at its end is no beginning of a line.
  case unfinished(path: String, line: Int)

  package var description: String {
    switch self {
    case .cannotOpen(let path, let reason):
      "cannot open \(path) for writing: \(reason); name another file"
    case .inUse(let path):
      "\(path) is being written by another run; wait for it or name another file"
    case .cannotRead(let path, let reason): "cannot read \(path): \(reason)"
    case .cannotWrite(let path, let reason):
      "cannot write \(path): \(reason); it holds whole lines only, so make room and run the same command again to go on"
    case .unfinished(let path, let line):
      "\(path), line \(line): it does not end and was not written by this command; name another file"
    }
  }
}
