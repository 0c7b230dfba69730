import ApusCore

/// The cases that have been scored, by key; kept in a file if there is one, so that a run can go on after a kill.
package final class ResultsFile {
  package private(set) var records: [CaseKey: CaseRecord] = [:]
  private var file: LineFile?

  /// Results that live in memory only.
  package init() {}

  /// Opens or makes the file; throws `LineFileError` and `EvaluationError.notResults`.
  package init(path: String) throws {
    file = try LineFile(path: path, start: CaseRecord.start) { bytes, line in
      do {
        let record = try CaseRecord(parsing: bytes)
        records[record.key] = record
      } catch {
        throw EvaluationError.notResults(path: path, line: line, reason: "\(error)")
      }
    }
  }

  func add(_ record: CaseRecord) throws {
    try file?.append(record.json.utf8)
    records[record.key] = record
  }

  package func synchronize() throws { try file?.synchronize() }
}
