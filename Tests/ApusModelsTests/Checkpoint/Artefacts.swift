import ApusCore
import Foundation

/// Model files that nobody here wrote, kept beside the package: `$APUS_SHARED/artefacts` or `../shared/artefacts`.
enum Artefacts {
  static let folder: URL = {
    if let path = ProcessInfo.processInfo.environment["APUS_SHARED"] {
      return URL(fileURLWithPath: path).appending(path: "artefacts")
    }
    var root = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { root.deleteLastPathComponent() }
    return root.deletingLastPathComponent().appending(path: "shared/artefacts")
  }()

  static func path(_ name: String) -> String { folder.appending(path: name).path }

  static func exist(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  static let tinyModels = exist("weights/neural-api-tiny")
  static let stories = exist("weights/stories260K-gguf")
  static let tinyStories = exist("weights/tinystories-656k-hf")
  static let pagedInfer = exist("weights/paged-infer-tiny-llama")
  static let vocabularies = exist("tokenizers/llama.cpp-vocab")

  static let skip = "the artefacts folder (APUS_SHARED) is missing"
}

/// A folder that is removed with the object.
final class TemporaryFolder {
  let path: String

  init() throws {
    let memory = URL(fileURLWithPath: "/dev/shm")
    let root =
      FileManager.default.isWritableFile(atPath: memory.path)
      ? memory : FileManager.default.temporaryDirectory
    let url = root.appending(path: "apus-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }

  func write(_ bytes: [UInt8], _ name: String) throws -> String {
    let target = path + "/" + name
    try Data(bytes).write(to: URL(fileURLWithPath: target))
    return target
  }

  func write(_ text: String, _ name: String) throws -> String {
    try write(Array(text.utf8), name)
  }

  /// Makes an artefact stand in the folder under a name of its own.
  func link(_ artefact: String, as name: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: path + "/" + name, withDestinationPath: Artefacts.path(artefact))
  }
}
