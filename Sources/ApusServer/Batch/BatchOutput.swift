import ApusCore
import Foundation

/// The answers of a batch: a file of whole lines, locked, to which one line is added at a time.
///
/// Whenever the process ends, at most the last line is torn; it is cut off when the file is opened again.
final class BatchOutput {
  let path: String
  /// What has been answered, and in which line of this file.
  private(set) var answered: [BatchKey: Int] = [:]
  private(set) var failureCount = 0
  private let handle: FileHandle
  /// Bytes of whole lines.
  private var length = 0
  private var written = ContinuousClock.now
  private var hasNews = false

  /// Time between moments at which the answers are brought to the disk.
  private static let interval = Duration.seconds(1)

  /// Opens or makes the file; throws `BatchError`.
  init(path: String) throws {
    self.path = path
    handle = try Self.open(path)
    try read()
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
        throw BatchError.cannotOpen(path: path, reason: "it is no regular file")
      }
      let handle = try FileHandle(forUpdating: url)
      guard flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0 else {
        throw BatchError.inUse(path: path)
      }
      return handle
    } catch let error as BatchError {
      throw error
    } catch {
      throw BatchError.cannotOpen(path: path, reason: Self.reason(error))
    }
  }

  /// What the system says, for which Foundation may have a number only.
  private static func reason(_ error: any Error) -> String {
    let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
    return (cause ?? error).localizedDescription
      .replacing("The operation could not be completed. ", with: "")
  }

  /// Reads what was answered before and cuts a torn line off.
  private func read() throws {
    var rest: [UInt8] = []
    var number = 0
    do {
      while let data = try handle.read(upToCount: 1 << 20), !data.isEmpty {
        rest += data
        var start = 0
        while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
          number += 1
          try note(Array(rest[start..<end]), line: number)
          start = end + 1
        }
        length += start
        rest.removeFirst(start)
      }
      // Anything else was not torn by this program.
      guard rest.starts(with: BatchRecord.start.prefix(rest.count)) else {
        throw BatchError.notAnOutput(path: path, line: number + 1, reason: "it does not end")
      }
      if !rest.isEmpty { try handle.truncate(atOffset: UInt64(length)) }
      try handle.seek(toOffset: UInt64(length))
    } catch let error as BatchError {
      throw error
    } catch {
      throw BatchError.cannotRead(path: path, reason: Self.reason(error))
    }
  }

  private func note(_ bytes: [UInt8], line: Int) throws {
    let record: BatchRecord
    do {
      record = try BatchRecord(parsing: bytes)
    } catch {
      throw BatchError.notAnOutput(path: path, line: line, reason: error.reason)
    }
    guard answered.updateValue(line, forKey: record.key) == nil else {
      throw BatchError.notAnOutput(
        path: path, line: line, reason: "it answers \(record.key) once more")
    }
    if record.isFailure { failureCount += 1 }
  }

  /// Adds a line; throws `BatchError` and leaves whole lines behind when it cannot.
  func append(_ record: BatchRecord) throws {
    let bytes = record.json.utf8 + [UInt8(ascii: "\n")]
    do {
      // One call, so that a kill tears nothing but the end.
      try handle.write(contentsOf: Data(bytes))
    } catch {
      try? handle.truncate(atOffset: UInt64(length))
      throw BatchError.cannotWrite(path: path, reason: Self.reason(error))
    }
    length += bytes.count
    answered[record.key] = answered.count + 1
    if record.isFailure { failureCount += 1 }
    hasNews = true
    if .now - written >= Self.interval { try synchronize() }
  }

  /// Returns when all lines are on the disk.
  func synchronize() throws {
    guard hasNews else { return }
    do {
      try handle.synchronize()
    } catch {
      throw BatchError.cannotWrite(path: path, reason: Self.reason(error))
    }
    (written, hasNews) = (.now, false)
  }
}
