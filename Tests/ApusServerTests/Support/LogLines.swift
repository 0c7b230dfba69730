import ApusCore
import Foundation
import Synchronization

/// What a server logs.
final class LogLines: Sendable {
  private let lines = Mutex<[String]>([])

  @Sendable func add(_ line: String) { lines.withLock { $0.append(line) } }

  var all: [String] { lines.withLock { $0 } }
  var text: String { all.joined(separator: "\n") }

  /// The lines of JSON that tell of requests.
  func requests() throws -> [JSONValue] {
    try all.map { try JSONValue(parsing: $0) }.filter { $0["message"] == "request" }
  }

  /// The line of a request, once it is there.
  func request(_ id: String) async throws -> JSONValue {
    while true {
      if let line = try requests().first(where: { $0["id"] == .string(id) }) { return line }
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}

/// A file that lives as long as the object.
final class KeyFile: Sendable {
  let path = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)")
    .path

  init(_ text: String) throws { try write(text) }

  deinit { try? remove() }

  func write(_ text: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }
  func remove() throws { try FileManager.default.removeItem(atPath: path) }
}

extension RawClient {
  /// Sends a text as it is, and reads until the server closes.
  static func send(_ text: String, port: Int) async throws -> RawResponse {
    try await onThread {
      let connection = try RawConnection(port: port)
      try connection.send(Array(text.utf8))
      return try parse(connection.receiveAll())
    }
  }
}
