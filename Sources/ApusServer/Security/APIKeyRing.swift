import Foundation
import Logging
import Synchronization

/// The keys that count now: those the server was started with, and those of a file that is read again when it changes.
final class APIKeyRing: Sendable {
  private struct State {
    var keys: [APIKey]
    /// The content of the file that was taken or refused last.
    var seen: Data
    /// A content that has been seen once: while a file is being written, half of it may be there.
    var fresh: Data?
    var isMissing = false
  }

  private let fixed: [APIKey]
  private let path: String?
  private let state: Mutex<State>

  init(_ secrets: [String], file: APIKeyFile?) {
    fixed = secrets.enumerated().map { APIKey(secret: $1, name: "argument-\($0 + 1)") }
    path = file?.path
    state = Mutex(State(keys: fixed + (file?.keys ?? []), seen: file?.content ?? Data()))
  }

  var current: [APIKey] { state.withLock { $0.keys } }

  /// Reads the file now; throws `APIKeyFileError`, and the keys stay as they were.
  func reload() throws {
    guard let path else { return }
    try take(APIKeyFile.read(path), path)
  }

  /// Looks at the file for as long as the task runs; a new content counts when it was the same twice.
  func watch(every interval: Duration, logger: Logger) async {
    guard let path else { return }
    while true {
      do { try await Task.sleep(for: interval) } catch { return }
      do {
        guard let content = try changedContent(path) else { continue }
        try take(content, path)
        logger.notice(
          "the API keys have been read", metadata: ["keys": .stringConvertible(current.count)])
      } catch {
        logger.error("the API keys stay as they were: \(error)")
      }
    }
  }

  /// The file's content, if it is new and complete; throws when the file goes, and not again while it is gone.
  private func changedContent(_ path: String) throws -> Data? {
    let content: Data
    do {
      content = try APIKeyFile.read(path)
    } catch {
      let isNews = state.withLock { state in
        defer { state.isMissing = true }
        return !state.isMissing
      }
      if isNews { throw error }
      return nil
    }
    return state.withLock { state in
      state.isMissing = false
      let isComplete = content != state.seen && content == state.fresh
      state.fresh = content
      return isComplete ? content : nil
    }
  }

  private func take(_ content: Data, _ path: String) throws {
    state.withLock { $0.seen = content }
    let keys = try APIKeyFile(path: path, content: content).keys
    state.withLock { $0.keys = fixed + keys }
  }
}
