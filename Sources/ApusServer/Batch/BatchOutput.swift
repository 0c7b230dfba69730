import ApusCore

/// The answers of a batch, one a line.
final class BatchOutput {
  /// What has been answered, and in which line of this file.
  private(set) var answered: [BatchKey: Int] = [:]
  private(set) var failureCount = 0
  private var file: LineFile?
  let path: String

  /// Opens or makes the file; throws `LineFileError` and `BatchError`.
  init(path: String) throws {
    self.path = path
    file = try LineFile(path: path, start: BatchRecord.start) { try note($0, line: $1) }
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

  /// Adds a line; throws `LineFileError` and leaves whole lines behind when it cannot.
  func append(_ record: BatchRecord) throws {
    try file?.append(record.json.utf8)
    answered[record.key] = answered.count + 1
    if record.isFailure { failureCount += 1 }
  }

  /// Returns when all lines are on the disk.
  func synchronize() throws { try file?.synchronize() }
}
