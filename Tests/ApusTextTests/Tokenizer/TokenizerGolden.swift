import ApusCore
import ApusText
import Foundation
import Testing

/// A file of texts with the ids that another implementation gave them, written by Tests/Golden/tokenizers.
struct TokenizerGolden {
  let name: String
  private let json: JSONValue
  private let folder: URL

  init(_ url: URL) throws {
    json = try JSONValue(parsing: try Artefacts.bytes(url))
    name = json["family"]?.stringValue ?? url.lastPathComponent
    folder = url.deletingLastPathComponent()
  }

  static func files(in folder: URL) -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".golden.json") }.sorted().map { folder.appending(path: $0) }
  }

  /// Encodes every text with every source; returns how many texts were compared, and what differs.
  func compare() throws -> (count: Int, differences: [String]) {
    let adds = json["addSpecialTokens"]?.boolValue ?? true
    let parses = json["parseSpecialTokens"]?.boolValue ?? true
    let cases = json["cases"]?.arrayValue ?? []
    var differences: [String] = []
    for source in json["sources"]?.arrayValue ?? [] {
      let (tokenizer, label) = try load(source)
      let decodes = source["decodes"]?.boolValue ?? true
      for item in cases {
        guard let parts = item.arrayValue, parts.count >= 2, let text = parts[0].stringValue else {
          continue
        }
        let expected = (parts[1].arrayValue ?? []).map { TokenID($0.intValue ?? -1) }
        let ids = tokenizer.encode(text, addSpecialTokens: adds, parseSpecialTokens: parses)
        if ids != expected {
          differences.append(
            "\(name)/\(label): \(Self.firstDifference(text, ids, expected, tokenizer))")
        } else if decodes, parts.count > 2, let decoded = parts[2].stringValue {
          let ours = tokenizer.decode(label == "model" ? Array(ids.dropFirst()) : ids)
          if !ours.utf8.elementsEqual(decoded.utf8) {
            differences.append(
              "\(name)/\(label) decodes \(ours.debugDescription), not \(decoded.debugDescription)")
          }
        }
      }
    }
    return (cases.count, differences)
  }

  private func load(_ source: JSONValue) throws -> (Tokenizer, String) {
    if let inline = source["tokenizer"] { return (try Tokenizer(json: inline), "inline") }
    if let file = source["json"]?.stringValue {
      let bytes = try Artefacts.bytes(folder.appending(path: file))
      return (try Tokenizer(json: try JSONValue(parsing: bytes)), "json")
    }
    if let path = source["gguf"]?.stringValue {
      let metadata = try GGUFMetadata.read(try Artefacts.bytes(path))
      return (try Tokenizer(metadata: metadata), "gguf")
    }
    if let path = source["model"]?.stringValue {
      return (try KnownTokenizers.sentencePiece(path), "model")
    }
    if let base64 = source["sentencePiece"]?.stringValue, let data = Data(base64Encoded: base64) {
      return (try Tokenizer(sentencePiece: [UInt8](data)), "model")
    }
    if let name = source["llama3"]?.stringValue {
      return (try KnownTokenizers.llama3(preTokenizer: name), "tiktoken")
    }
    if let name = source["qwen2"]?.stringValue {
      return (try KnownTokenizers.qwen2(preTokenizer: name), "vocab")
    }
    throw CocoaError(.fileReadUnknown)
  }

  /// The place where two encodings part, with a little of the text before it.
  private static func firstDifference(
    _ text: String, _ ids: [TokenID], _ expected: [TokenID], _ tokenizer: Tokenizer
  ) -> String {
    let common = zip(ids, expected).prefix { $0 == $1 }.count
    func show(_ ids: [TokenID]) -> String {
      ids.dropFirst(max(0, common - 1)).prefix(6).map {
        (tokenizer.piece($0) ?? "?").debugDescription + "=\($0)"
      }.joined(separator: " ")
    }
    let before = tokenizer.decode(Array(ids.prefix(common))).unicodeScalars.suffix(6)
    let scalars = before.map { String($0.value, radix: 16) }.joined(separator: " ")
    return "after [\(scalars)] ours \(show(ids)), expected \(show(expected))"
  }
}
