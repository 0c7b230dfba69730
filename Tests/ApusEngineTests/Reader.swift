import Foundation

/// The embedded model's file in the checkout.
enum Reader {
  static let path: String = {
    var root = URL(filePath: #filePath)
    for _ in 0..<3 { root.deleteLastPathComponent() }
    return root.appending(path: "Sources/Apus/Resources/reader.gguf").path
  }()
}
