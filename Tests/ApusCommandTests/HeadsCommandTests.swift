import ApusCore
import Testing

@Suite(.enabled(if: Program.exists, Program.missing))
struct HeadsCommandTests {
  private static let find = ["heads", "find", "--length", "48", "-t", "2"]

  @Test func aPatternIsWritten() async throws {
    let folder = try TemporaryFolder()
    let result = try await Program.start(
      Self.find + ["--retrieval", "0.25", "-o", folder.file("heads.tsv")]
    ).result()
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    let rows = folder.text("heads.tsv").split(separator: "\n").map { row in
      row.split(separator: "\t").compactMap { Double($0) }
    }
    #expect(rows.map(\.count) == Array(repeating: 2, count: 8))
    #expect(rows.joined().allSatisfy { (0...1).contains($0) })
    #expect(rows.joined().count { $0 >= 0.5 } == 4)
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 10)
    #expect(lines.last == "* keeps everything: 4 of 16 heads")
    #expect(result.output.count { $0 == "*" } == 5)
    let printed = try await Program.start(Self.find + ["--retrieval", "0.25", "-o", "-"]).result()
    #expect(printed.output == folder.text("heads.tsv"))
  }

  /// The heads that are found are those that answers need: with a quarter of them nothing is lost, without them all is.
  @Test func theFoundHeadsAreEnough() async throws {
    let folder = try TemporaryFolder()
    func score(_ flags: String...) async throws -> Double? {
      let found = try await Program.start(["heads", "find", "-o", folder.file("h.tsv")] + flags)
        .result()
      #expect(found.status == 0, "\(found.errors)")
      let result = try await Program.run(
        "eval", "kv", "--lengths", "1k", "--samples", "8", "--json", "-", "--kv-policy",
        "duo:heads=\(folder.file("h.tsv")),sinks=4,recent=64")
      #expect(result.status == 0, "\(result.errors)")
      return try JSONValue(parsing: result.output)["rows"]?.arrayValue?[0]["score"]?.doubleValue
    }
    #expect(try await score("--retrieval", "0.25") ?? 0 > 0.8)
    #expect(try await score("--retrieval", "0") ?? 1 < 0.2)
  }

  @Test func scoresAreOneObject() async throws {
    let result = try await Program.start(Self.find + ["--json", "--seed", "7"]).result()
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    let json = try JSONValue(parsing: result.output)
    #expect(json["seed"] == "7" && json["length"] == 48 && json["retrieval"] == 0.5)
    for (name, heads) in [("echo", 6), ("induction", 6), ("scores", 2), ("pattern", 2)] {
      let rows = json[name]?.arrayValue ?? []
      #expect(rows.map { $0.arrayValue?.count } == Array(repeating: heads, count: 8), "\(name)")
    }
  }

  @Test func textsThatDoNotFitAreRefused() async throws {
    let result = try await Program.run("heads", "find", "--length", "1000000")
    #expect(result.status == 1)
    #expect(result.error?.contains("16384") == true, "\(result.errors)")
  }
}
