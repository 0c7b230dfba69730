import ApusCore
import Foundation
import Testing

@Suite(.enabled(if: Program.exists, Program.missing))
struct AskCommandTests {
  private static let examples = URL(filePath: #filePath)
    .appending(path: "../../../Examples").standardizedFileURL.path

  /// File, question and answer of each row of the examples' table.
  private static func table() throws -> [[String]] {
    try String(contentsOfFile: examples + "/README.md", encoding: .utf8).split(separator: "\n")
      .filter { $0.hasPrefix("| ") && $0.contains(".txt |") }
      .map { line in
        line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      }
  }

  /// The embedded model is small and now and then wrong.
  @Test func mostExamplesAreAnswered() async throws {
    let rows = try Self.table()
    #expect(rows.count >= 12)
    var (asked, right) = (0, 0)
    for row in rows {
      let result = try await Program.run(
        "ask", "-q", "-d", "\(Self.examples)/\(row[0])", row[1])
      // The long one may need a larger context than the model has.
      if result.status == 1, result.error?.contains("the context holds") == true { continue }
      #expect(result.status == 0, "\(result.errors)")
      asked += 1
      if result.output == row[2] + "\n" { right += 1 }
    }
    #expect(asked >= 10 && Double(right) >= 0.7 * Double(asked), "\(right) of \(asked)")
  }

  @Test func theQuestionStandsBeforeOrBehind() async throws {
    let files = ["harbour.txt", "parish.txt"].map { "\(Self.examples)/\($0)" }
    let question = "Where does Clara Reeve live?"
    let asked = [
      ["ask", "-d", files[0], files[1], question], ["ask", question, "-d", files[0], files[1]],
      ["ask", "-d", files[0], "-d", files[1], question],
    ]
    for arguments in asked {
      let result = try await Program.start(arguments + ["-q"]).result()
      #expect(result.output == "Clara Reeve lives in Wexmoor.\n", "\(result.errors)")
    }
    let result = try await Program.run("ask", "--json", "-d", files[1], question)
    #expect(try JSONValue(parsing: result.output)["text"] == "Clara Reeve lives in Wexmoor.")
  }

  @Test func longDocumentsAreRefusedWithBothNumbers() async throws {
    let result = try await Program.run(
      "ask", "-d", "\(Self.examples)/survey.txt", "Who?", "-c", "1024")
    #expect(result.status == 1)
    let error = try #require(result.error)
    #expect(error.contains("the context holds 1024"), "\(error)")
    let tokens = error.split(separator: " ").compactMap { Int($0) }.first
    #expect((1500...5000).contains(tokens ?? 0))
  }
}
