import Foundation

/// Reads texts from files and standard input.
enum TextInput {
  /// The text of a file, of standard input when the path is `-`; throws `CommandError`.
  static func read(_ path: String) throws -> String {
    let name = path == "-" ? "standard input" : path
    let data: Data
    do {
      data =
        path == "-"
        ? try FileHandle.standardInput.readToEnd() ?? Data()
        : try Data(contentsOf: URL(filePath: path))
    } catch {
      throw CommandError.cannotRead(path: name, reason: reason(error, path: path))
    }
    let bytes = Array(data)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      let repaired = String(decoding: bytes, as: UTF8.self).utf8
      let offset = zip(bytes, repaired).enumerated().first { $1.0 != $1.1 }?.offset ?? bytes.count
      throw CommandError.notUTF8(path: name, offset: offset)
    }
    return text
  }

  private static func reason(_ error: any Error, path: String) -> String {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    guard let attributes else { return "it does not exist" }
    let isFolder = attributes[.type] as? FileAttributeType == .typeDirectory
    return isFolder ? "it is a folder" : error.localizedDescription
  }
}
