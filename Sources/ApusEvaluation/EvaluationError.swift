import ApusCore

/// Why an evaluation cannot run or go on.
package enum EvaluationError: Error, Equatable, CustomStringConvertible {
  case tooShort(Int, needed: Int)
  case taskTooShort(task: String, length: Int, needed: Int)
  case tasksTooShort([ShortTask])
  case tooLong(length: Int, contextLength: Int)
  case tooManyCharacters(length: Int, most: Int, contextLength: Int)
  case noText(path: String, reason: String)
  case notResults(path: String, line: Int, reason: String)
  case interrupted(done: Int, total: Int)

  /// A task, and a length that its shortest cases do not keep.
  package struct ShortTask: Sendable, Equatable {
    package var task: String
    package var length: Int
    package var needed: Int

    package init(task: String, length: Int, needed: Int) {
      self.task = task
      self.length = length
      self.needed = needed
    }
  }

  package var description: String {
    switch self {
    case .tooShort(let length, let needed):
      "a length of \(length) is too short; the shortest case has \(needed)"
    case .taskTooShort(let task, let length, let needed):
      "the task \(task) has no case as short as \(length); its shortest has \(needed)"
    case .tooLong(let length, let contextLength):
      "a length of \(length) tokens is more than the context of \(contextLength) tokens; give shorter --lengths or a larger --ctx-size"
    case .tasksTooShort(let tasks):
      "some tasks have no cases as short as that: "
        + tasks.map { "\($0.task) at \($0.length) needs \($0.needed)" }.joined(separator: ", ")
        + "; give longer --lengths or leave them out"
    case .tooManyCharacters(let length, let most, let contextLength):
      "a length of \(length) characters is more than the \(most) that a context of \(contextLength) tokens may hold; give shorter --lengths or a larger --ctx-size"
    case .noText(let path, let reason): "cannot read \(path): \(reason)"
    case .notResults(let path, let line, let reason):
      "\(path), line \(line): \(reason); it is no file of results, name another one"
    case .interrupted(let done, let total):
      "interrupted after \(done) of \(total) cases; with --results, the same command goes on"
    }
  }
}
