import Foundation

/// A file with keys, one a line.
public struct APIKeyFile: Sendable {
  /// Where it stands.
  public let path: String

  /// What it held when it was read last.
  package let content: Data
  package let keys: [APIKey]

  private static let maxSize = 4 << 20

  /// Reads a file; throws `APIKeyFileError`.
  public init(path: String) throws {
    try self.init(path: path, content: Self.read(path))
  }

  init(path: String, content: Data) throws {
    guard let text = String(validating: Array(content), as: UTF8.self) else {
      throw APIKeyFileError.unreadable(path: path, reason: "it is not UTF-8 text")
    }
    self.path = path
    self.content = content
    keys = try APIKey.parse(text, path: path)
  }

  static func read(_ path: String) throws -> Data {
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path))
    } catch {
      let isThere = FileManager.default.fileExists(atPath: path)
      let reason = isThere ? error.localizedDescription : "it does not exist"
      throw APIKeyFileError.unreadable(path: path, reason: reason)
    }
    guard data.count <= maxSize else {
      throw APIKeyFileError.unreadable(path: path, reason: "it is larger than \(maxSize) bytes")
    }
    return data
  }
}
