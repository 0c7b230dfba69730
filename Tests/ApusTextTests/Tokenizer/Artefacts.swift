import ApusCore
import Foundation

/// Finds files outside the repository; tests that need them are skipped where they are missing.
enum Artefacts {
  /// `APUS_SHARED`, or the folder `shared` beside the package.
  static let folder: URL? = {
    let environment = ProcessInfo.processInfo.environment["APUS_SHARED"]
    let beside = packageRoot.deletingLastPathComponent().appending(path: "shared")
    let root = environment.map { URL(filePath: $0) } ?? beside
    let folder = root.appending(path: "artefacts")
    return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
  }()

  static var isPresent: Bool { folder != nil }

  static let packageRoot: URL = {
    var url = URL(filePath: #filePath).resolvingSymlinksInPath()
    for _ in 0..<4 { url.deleteLastPathComponent() }
    return url
  }()

  static var fixtures: URL {
    packageRoot.appending(path: "Tests/ApusTextTests/Fixtures/tokenizers")
  }

  static func bytes(_ path: String) throws -> [UInt8] {
    guard let folder else { throw CocoaError(.fileNoSuchFile) }
    return try bytes(folder.appending(path: path))
  }

  static func bytes(_ url: URL) throws -> [UInt8] { [UInt8](try Data(contentsOf: url)) }

  static func text(_ path: String) throws -> String {
    String(decoding: try bytes(path), as: UTF8.self)
  }

  static func json(_ path: String) throws -> JSONValue { try JSONValue(parsing: try bytes(path)) }
}
