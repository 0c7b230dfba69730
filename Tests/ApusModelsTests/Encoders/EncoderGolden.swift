import ApusCore
import Foundation

/// The tiny BERT of Tests/Golden/embeddings and what transformers computes with it.
struct EncoderGolden {
  struct Text {
    let text: String
    let tokens: [TokenID]
    /// By the pooling's name; of length 1.
    let vectors: [String: [Float]]
  }

  let texts: [Text]
  let query: String
  let documents: [String]
  let scores: [Float]

  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Golden/embeddings").standardizedFileURL

  static func path(_ name: String) -> String { folder.appending(path: name).path }

  init() throws {
    let json = try JSONValue(
      parsing: Array(Data(contentsOf: Self.folder.appending(path: "golden.json"))))
    func floats(_ value: JSONValue?) -> [Float] {
      (value?.arrayValue ?? []).compactMap(\.doubleValue).map { Float($0) }
    }
    texts = (json["texts"]?.arrayValue ?? []).map { entry in
      Text(
        text: entry["text"]?.stringValue ?? "",
        tokens: (entry["tokens"]?.arrayValue ?? []).compactMap(\.intValue).map { TokenID($0) },
        vectors: Dictionary(
          uniqueKeysWithValues: ["mean", "cls", "last"].map { ($0, floats(entry[$0])) }))
    }
    query = json["query"]?.stringValue ?? ""
    documents = (json["documents"]?.arrayValue ?? []).compactMap(\.stringValue)
    scores = floats(json["scores"])
  }
}
