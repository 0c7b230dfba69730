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

  @Test func examplesAreAnsweredAsTheirTableSays() async throws {
    let rows = try Self.table()
    #expect(rows.count >= 12)
    for row in rows {
      let result = try await Program.run(
        "ask", "-q", "-d", "\(Self.examples)/\(row[0])", row[1])
      #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
      // The embedded model does not get those right that have a star.
      let answer = row[2].hasSuffix(" *") ? String(row[2].dropLast(2)) : row[2]
      let isRight = result.output == answer + "\n"
      #expect(isRight == (answer == row[2]), "\(row[1]) \(result.output)")
    }
  }

  @Test func cutAnswersHaveANote() async throws {
    let document = "\(Self.examples)/harbour.txt"
    let question = "What cargo did the Marigold carry?"
    let whole = try await Program.run("ask", "--json", "-d", document, question)
    let timings = try JSONValue(parsing: whole.output)["timings"]
    let prompt = try #require(timings?["prompt_n"]?.intValue)
    let room = prompt + 3
    for (arguments, note) in [
      (["-n", "2"], "warning: the answer is cut at -n 2"),
      (["-c", "\(room)"], "warning: the answer is cut at the end of the context of \(room) "),
    ] {
      let result = try await Program.start(
        ["ask", "-q", "-d", document, question] + arguments
      ).result()
      #expect(result.status == 0 && !result.output.isEmpty)
      let lines = result.errors.split(separator: "\n")
      #expect(lines.count == 1 && lines.first?.hasPrefix(note) == true, "\(result.errors)")
    }
  }

  @Test func theQuestionStandsBeforeOrBehind() async throws {
    let files = ["ledger.txt", "parish.txt"].map { "\(Self.examples)/\($0)" }
    let question = "Where does Clara Reeve live?"
    let asked = [
      ["ask", "-d", files[0], files[1], question], ["ask", question, "-d", files[1], files[0]],
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
