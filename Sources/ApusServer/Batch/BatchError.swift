/// Why a batch cannot be run or cannot go on.
package enum BatchError: Error, Equatable, CustomStringConvertible {
  case cannotRead(path: String, reason: String)
  case notAnOutput(path: String, line: Int, reason: String)
  /// The output answers a line that the input does not have.
  case otherInput(path: String, line: Int, key: String, input: String)
  case interrupted(done: Int, total: Int)

  package var description: String {
    switch self {
    case .cannotRead(let path, let reason): "cannot read \(path): \(reason)"
    case .notAnOutput(let path, let line, let reason):
      "\(path), line \(line): \(reason); it is not the output of a batch, name another file"
    case .otherInput(let path, let line, let key, let input):
      "\(path), line \(line): it answers \(key), which \(input) does not have; give the input it was begun with or another output"
    case .interrupted(let done, let total):
      "interrupted after \(done) of \(total) lines; run the same command again to go on"
    }
  }
}
