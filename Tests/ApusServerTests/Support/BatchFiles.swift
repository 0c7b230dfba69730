import Apus
import ApusCore
import ApusServer
import Foundation

/// The files of one batch in a folder of their own.
final class BatchFiles: Sendable {
  let folder: URL
  var input: URL { folder.appending(path: "in.jsonl") }
  var output: URL { folder.appending(path: "out.jsonl") }

  init(_ lines: [String]) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try write(lines.map { $0 + "\n" }.joined(), to: input)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func write(_ text: String, to url: URL) throws { try Data(text.utf8).write(to: url) }

  var answers: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }

  func records() throws -> [JSONValue] {
    try answers.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
  }

  /// The record of a custom_id; nil unless there is exactly one.
  func record(_ id: String) throws -> JSONValue? {
    let found = try records().filter { $0["custom_id"] == .string(id) }
    return found.count == 1 ? found[0] : nil
  }

  func batch(maxSequences: Int = 4) -> Batch {
    Batch(input: input.path, output: output.path, maxSequences: maxSequences)
  }

  /// Runs the batch with the model of the shared server.
  @discardableResult
  func run() async throws -> Batch.Summary {
    let model = try await TestServer.shared.value.model
    return try await batch().run(load: { model! })
  }

  /// A line of input.
  static func line(
    _ id: String, _ body: JSONValue, url: String = "/v1/completions", method: String = "POST"
  ) -> String {
    let line: JSONValue = [
      "custom_id": .string(id), "method": .string(method), "url": .string(url), "body": body,
    ]
    return line.text
  }
}
