import Foundation

/// Model files of the checkout.
enum Reader {
  private static let root: URL = {
    var root = URL(filePath: #filePath)
    for _ in 0..<3 { root.deleteLastPathComponent() }
    return root
  }()

  /// The embedded model.
  static let path = root.appending(path: "Sources/Apus/Resources/reader.gguf").path

  /// A tiny random model.
  static func fixture(_ name: String) -> String {
    root.appending(path: "Tests/ApusModelsTests/Fixtures/" + name).path
  }
}
