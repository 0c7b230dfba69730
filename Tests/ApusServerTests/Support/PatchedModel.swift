import Apus
import Foundation
import Testing

/// A copy of the embedded model with another chat template and names for some tokens, all of the same length.
final class PatchedModel: Sendable {
  let path: String

  /// The tokens `<PRE>`, `<SUF>` and `<MID>` take the place of words of the vocabulary.
  init(template: String) throws {
    let source = try LanguageModel.localPath(.builtin("reader"))
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: source)))
    try Self.replaceTemplate(&bytes, template)
    try Self.nameTokens(&bytes, ["<PRE>", "<SUF>", "<MID>"])
    let name = "apus-\(UUID().uuidString).gguf"
    path = FileManager.default.temporaryDirectory.appending(path: name).path
    try Data(bytes).write(to: URL(filePath: path))
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  private static func integer(_ bytes: [UInt8], _ start: Int) -> Int {
    (0..<8).reduce(0) { $0 | Int(bytes[start + $1]) << (8 * $1) }
  }

  private static func replaceTemplate(_ bytes: inout [UInt8], _ template: String) throws {
    let key = Array("tokenizer.chat_template".utf8)
    // After the key, the type takes four bytes and the length eight.
    let start = try #require(bytes.firstRange(of: key)).upperBound + 4
    let count = integer(bytes, start)
    var text = Array(template.utf8)
    let gap = count - text.count
    try #require(gap >= 4, "the template must be shorter than \(count - 4) bytes")
    text += Array("{#\(String(repeating: " ", count: gap - 4))#}".utf8)
    bytes.replaceSubrange(start + 8..<start + 8 + count, with: text)
  }

  private static func nameTokens(_ bytes: inout [UInt8], _ names: [String]) throws {
    let key = Array("tokenizer.ggml.tokens".utf8)
    // After the key come the types of the array and of its elements, and their number.
    var place = try #require(bytes.firstRange(of: key)).upperBound + 16
    var names = names
    while let name = names.first {
      let count = integer(bytes, place)
      if count == name.utf8.count, bytes[place + 8] != UInt8(ascii: "<") {
        bytes.replaceSubrange(place + 8..<place + 8 + count, with: Array(name.utf8))
        names.removeFirst()
      }
      place += 8 + count
    }
  }
}
