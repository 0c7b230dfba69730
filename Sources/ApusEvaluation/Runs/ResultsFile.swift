import ApusCore
import Synchronization

/// The cases that have been scored, by key; kept in a file if there is one, so that a run can go on after a kill.
package final class ResultsFile: Sendable {
  private struct Content {
    var records: [CaseKey: CaseRecord] = [:]
    var file: LineFile?
  }

  private let content: Mutex<Content>

  /// Results that live in memory only.
  package init() { content = Mutex(Content()) }

  /// Opens or makes the file; throws `LineFileError` and `EvaluationError.notResults`.
  package init(path: String) throws {
    var records: [CaseKey: CaseRecord] = [:]
    let file = try LineFile(path: path, start: CaseRecord.start) { bytes, line in
      do {
        let record = try CaseRecord(parsing: bytes)
        records[record.key] = record
      } catch {
        throw EvaluationError.notResults(path: path, line: line, reason: "\(error)")
      }
    }
    content = Mutex(Content(records: records, file: file))
  }

  subscript(key: CaseKey) -> CaseRecord? { content.withLock { $0.records[key] } }

  func add(_ record: CaseRecord) throws {
    try content.withLock {
      try $0.file?.append(record.json.utf8)
      $0.records[record.key] = record
    }
  }

  package func synchronize() throws { try content.withLock { try $0.file?.synchronize() } }
}
