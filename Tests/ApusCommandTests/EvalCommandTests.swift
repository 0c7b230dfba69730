import ApusCore
import Foundation
import Testing

@Suite(.enabled(if: Program.exists, Program.missing))
struct EvalCommandTests {
  @Test func tasksAreListed() async throws {
    let result = try await Program.run("eval", "list")
    #expect(result.status == 0 && result.errors.isEmpty)
    let names = result.output.split(separator: "\n")
    for name in ["niah", "thread", "tsv", "perplexity", "agreement"] {
      #expect(names.contains(Substring(name)))
    }
    #expect(names.allSatisfy { !$0.contains(" ") })
  }

  @Test func rowsAndPictures() async throws {
    let folder = try TemporaryFolder()
    let result = try await Program.run(
      "eval", "niah", "kv", "trace", "--lengths", "512,1k,1024", "--samples", "3", "--json",
      folder.file("rows.json"), "--svg", folder.file("grid.svg"))
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.isEmpty)
    let lines = result.output.split(separator: "\n").map {
      $0.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
    }
    #expect(lines.map(\.first) == ["task", "niah", "kv", "trace", "mean"])
    #expect(lines[0] == ["task", "512", "1k"])
    let report = try JSONValue(parsing: folder.text("rows.json"))
    let rows = try #require(report["rows"]?.arrayValue)
    #expect(rows.count == 6)
    for row in rows {
      #expect(row["n"] == 3 && row["config"] == "default")
      #expect([512, 1024].contains(row["length"]?.intValue))
      #expect((0...1).contains(row["score"]?.doubleValue ?? -1))
      #expect((row["stderr"]?.doubleValue ?? -1) >= 0)
    }
    let svg = folder.text("grid.svg")
    #expect(svg.hasPrefix("<svg") && svg.contains(">niah<") && svg.contains(">kv<"))
    #expect(!svg.contains(">trace<"))
  }

  @Test func killedRunsGoOn() async throws {
    let folder = try TemporaryFolder()
    let results = folder.file("results.jsonl")
    let command = ["eval", "kv", "count", "--lengths", "512", "--samples", "25"]
    let plain = try await Program.start(command + ["--json", "-"]).result()
    let slow = command + ["--results", results, "-t", "1"]
    let running = try Program.start(slow)
    running.signal(SIGKILL) { !folder.text("results.jsonl").isEmpty }
    _ = try await running.result()
    let kept = folder.text("results.jsonl").split(separator: "\n").count
    #expect((1..<50).contains(kept))
    // As if the kill had torn a line.
    let file = try FileHandle(forWritingTo: URL(filePath: results))
    try file.seekToEnd()
    try file.write(contentsOf: Data(#"{"task":"kv","len"#.utf8))
    try file.close()
    let result = try await Program.start(slow + ["--json", "-"]).result()
    #expect(result.status == 0, "\(result.errors)")
    func scores(_ text: String) throws -> [Double?] {
      try JSONValue(parsing: text)["rows"]?.arrayValue?.map { $0["score"]?.doubleValue } ?? []
    }
    #expect(try scores(result.output).count == 2)
    #expect(try scores(result.output) == scores(plain.output))
    let lines = folder.text("results.jsonl").split(separator: "\n")
    #expect(lines.count == 50)
    #expect(try lines.allSatisfy { try JSONValue(parsing: String($0))["score"] != nil })
  }

  /// Records of another policy or selector do not count, and rows say which they are of.
  @Test func policiesBelongToTheConfiguration() async throws {
    let folder = try TemporaryFolder()
    let command = [
      "eval", "kv", "--lengths", "512", "--samples", "3", "--results", folder.file("r.jsonl"),
      "--json", "-",
    ]
    var settings = [""]
    for flags in [
      [], ["--kv-policy", "window:budget=64"], ["--select", "quest:budget=64"],
      ["--kv-policy", "window:budget=64"], ["--kv-policy", "none", "--select", "none"],
    ] {
      let result = try await Program.start(command + flags).result()
      #expect(result.status == 0, "\(result.errors)")
      let rows = try JSONValue(parsing: result.output)["rows"]?.arrayValue ?? []
      let name = flags.contains("none") ? "" : flags.joined(separator: " ")
      if !settings.contains(name) { settings.append(name) }
      #expect(rows.map { $0["config"]?.stringValue } == [name.isEmpty ? "default" : name])
      let records = try folder.text("r.jsonl").split(separator: "\n").map {
        try JSONValue(parsing: String($0))["settings"]?.stringValue
      }
      #expect(records == settings.flatMap { Array(repeating: $0, count: 3) })
    }
  }

  /// With as many sequences at once as by default, of which many are cut off.
  @Test func interruptedRunsSaySoAndGoOn() async throws {
    let folder = try TemporaryFolder()
    let command = ["eval", "niah", "--lengths", "1k", "--samples", "100", "-t", "1"]
    let kept = ["--results", folder.file("r.jsonl")]
    let running = try Program.start(command + kept)
    running.signal(SIGINT) { !folder.text("r.jsonl").isEmpty }
    let result = try await running.result()
    #expect(result.status == 1)
    #expect(result.error?.hasPrefix("interrupted after ") == true, "\(result.errors)")
    #expect(folder.text("r.jsonl").hasSuffix("\n"))
    #expect((1..<100).contains(folder.text("r.jsonl").split(separator: "\n").count))
    let resumed = try await Program.start(command + kept + ["--json", "-"]).result()
    let plain = try await Program.start(command + ["--json", "-"]).result()
    #expect(resumed.status == 0 && !plain.output.isEmpty)
    #expect(resumed.output == plain.output)
  }

  @Test func usualLengthsFitBothConfigurations() async throws {
    let result = try await Program.run(
      "eval", "format", "--samples", "2", "--compare", "", "-c 2048", "--json", "-")
    #expect(result.status == 0, "\(result.errors)")
    let rows = try JSONValue(parsing: result.output)["rows"]?.arrayValue ?? []
    #expect(rows.map { $0["length"] } == [1024, 1024])
  }

  @Test func configurationsAreCompared() async throws {
    let result = try await Program.run(
      "eval", "agreement", "--lengths", "512", "--samples", "6", "--compare", "--cache-type-k q8_0",
      "--cache-type-k q4_0", "--json", "-", "-q")
    #expect(result.status == 0, "\(result.errors)")
    let report = try JSONValue(parsing: result.output)
    let rows = try #require(report["rows"]?.arrayValue)
    #expect(
      rows.map { $0["config"]?.stringValue } == ["--cache-type-k q8_0", "--cache-type-k q4_0"])
    let divergences = rows.compactMap { $0["details"]?["kl"]?.doubleValue }
    #expect(divergences.count == 2 && divergences[0] > 0 && divergences[1] > divergences[0])
    let comparison = try #require(report["comparisons"]?.arrayValue?.first)
    #expect((comparison["difference"]?.doubleValue ?? 0) < 0)
    #expect(comparison["n"] == 6)
    #expect(comparison["interval"]?.arrayValue?.count == 2)
  }

  @Test func perplexityOfAFile() async throws {
    let folder = try TemporaryFolder()
    let text = String(repeating: "The Marigold carried oranges. ", count: 80)
    let file = try folder.write(Array(text.utf8), to: "text.txt")
    let result = try await Program.run(
      "eval", "perplexity:file=\(file)", "--lengths", "256", "--samples", "2")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("perplexity/character "))
    let empty = try folder.write(Array(" \n".utf8), to: "empty.txt")
    let refused = try await Program.run("eval", "perplexity:file=\(empty)")
    #expect(refused.status == 1)
    #expect(refused.error?.contains("it is empty") == true, "\(refused.errors)")
  }

  /// Within seconds, although some of them ask for what would take days.
  @Test(arguments: [
    (["niah", "--samples", "9223372036854775807"], 64, "the most is 10000"),
    (["trace", "words", "--lengths", "1k", "--svg", "grid.svg"], 64, "--svg"),
    (["niah", "--svg", "/nowhere/grid.svg"], 1, "/nowhere"),
    (["niah", "--json", "/nowhere/rows.json"], 1, "/nowhere"), (["niah", "--json", "/"], 1, "/"),
    (["niah", "--unit", "characters", "--lengths", "1000000000k"], 1, "1024000000000"),
    (
      ["kv", "thread:hops=50", "thread_back:hops=40", "--lengths", "256"], 1, "thread_back:hops=40"
    ),
  ])
  func whatCannotEndWellIsRefusedAtOnce(arguments: [String], status: Int32, message: String)
    async throws
  {
    let running = try Program.start(["eval"] + arguments)
    let result = try await running.result()
    #expect(result.status == status)
    #expect(result.error?.contains(message) == true, "\(result.errors)")
    #expect(result.output.isEmpty && running.duration < .seconds(60))
  }

  @Test func lengthsBeyondTheContextAreRefused() async throws {
    let result = try await Program.run("eval", "niah", "--lengths", "1k,4k", "-c", "2048")
    #expect(result.status == 1)
    #expect(result.error?.contains("4096") == true && result.error?.contains("2048") == true)
    let short = try await Program.run("eval", "thread:hops=50", "--lengths", "256", "-c", "2048")
    #expect(short.status == 1)
    #expect(short.error?.contains("thread:hops=50") == true, "\(short.errors)")
  }
}
