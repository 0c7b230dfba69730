import ApusCore
import Foundation
import Testing

/// A tiny random model with transformers' results, made by `Tests/Golden/models/make_checkpoints.py`.
struct ModelFixture: Sendable, CustomTestStringConvertible {
  enum Form: String, Sendable, CaseIterable {
    case huggingFace, gguf
  }

  let name: String
  var testDescription: String { name }

  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures")

  static let all: [ModelFixture] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
    .filter { FileManager.default.fileExists(atPath: folder.path + "/\($0)/golden.json") }
    .map { ModelFixture(name: $0) }

  private var path: String { Self.folder.appending(path: name).path }

  struct Golden {
    let weights: String?
    let contextLength: Int
    let sequence: [TokenID]
    let logits: [[Float]]
    let continuations: [(prompt: [TokenID], tokens: [TokenID])]
  }

  func golden() throws -> Golden {
    let json = try JSONValue(
      parsing: Array(Data(contentsOf: URL(filePath: path + "/golden.json"))))
    let sequence = tokens(json["sequence"])
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: path + "/logits.f32")))
    let numbers = stride(from: 0, to: bytes.count, by: 4).map { start in
      Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) })
    }
    let width = numbers.count / sequence.count
    return Golden(
      weights: json["weights"]?.stringValue, contextLength: json["contextLength"]!.intValue!,
      sequence: sequence,
      logits: sequence.indices.map { Array(numbers[$0 * width..<($0 + 1) * width]) },
      continuations: json["continuations"]!.arrayValue!.map {
        (tokens($0["prompt"]), tokens($0["tokens"]))
      })
  }

  /// The folder or file to open; a variant's missing files are taken from the fixture with its weights.
  func assemble(_ form: Form, in target: TemporaryFolder, weights: String?) throws -> String {
    let files = FileManager.default
    for source in [weights, name].compactMap({ $0 }) {
      let folder = Self.folder.appending(path: source).path
      for file in try files.contentsOfDirectory(atPath: folder)
      where file.hasSuffix(".gguf") == (form == .gguf) {
        try? files.removeItem(atPath: target.path + "/" + file)
        try files.createSymbolicLink(
          atPath: target.path + "/" + file, withDestinationPath: folder + "/" + file)
      }
    }
    return target.path
  }

  func harness(
    _ form: Form, golden: Golden, configure: (String) throws -> ModelHarness
  ) throws -> ModelHarness {
    let folder = try TemporaryFolder()
    return try configure(assemble(form, in: folder, weights: golden.weights))
  }

  private func tokens(_ json: JSONValue?) -> [TokenID] {
    json!.arrayValue!.map { TokenID($0.intValue!) }
  }
}
