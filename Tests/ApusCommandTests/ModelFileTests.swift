import ApusCore
import Testing

@Suite(.enabled(if: Program.exists, Program.missing))
struct ModelFileTests {
  @Test func tokenizeAndDetokenizeAreInverse() async throws {
    let text = "Hello, the Marigold — naïve 42\n"
    let result = try await Program.run("tokenize", "--json", text)
    let json = try JSONValue(parsing: result.output)
    let ids = json["ids"]?.arrayValue?.compactMap(\.intValue) ?? []
    #expect(!ids.isEmpty)
    #expect(result.status == 0)
    #expect(json["pieces"]?.arrayValue?.count == ids.count)
    let list = try await Program.run("tokenize", "--ids", text)
    #expect(list.output == "[\(ids.map(String.init).joined(separator: ", "))]\n")
    let back = try await Program.run(
      "detokenize", ids.map(String.init).joined(separator: " "), "--json")
    #expect(try JSONValue(parsing: back.output)["text"]?.stringValue == text)
  }

  @Test func tokenizeReadsLinesOfJSON() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(Array("\"a b\"\n\"\"\n\"two\\nlines\"\n".utf8), to: "in.jsonl")
    let result = try await Program.run("tokenize", "--jsonl", file)
    let lines = try result.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    #expect(lines.count == 3)
    let single = try await Program.run("tokenize", "--json", "two\nlines")
    #expect(try JSONValue(parsing: single.output)["ids"] == lines[2])
  }

  @Test func quantizeWritesAModelThatRuns() async throws {
    let folder = try TemporaryFolder()
    let file = folder.file("small.gguf")
    let written = try await Program.run("quantize", "builtin:reader", file, "--type", "q4_0", "-q")
    #expect(written.status == 0)
    #expect(written.errors.isEmpty)
    let inspected = try await Program.run("inspect", file, "--json")
    let types = try JSONValue(parsing: inspected.output)["types"]?.arrayValue ?? []
    #expect(types.contains { $0["type"] == "Q4_0" })
    let run = try await Program.run("run", "-m", file, "-p", "The", "-n", "3", "-q")
    #expect(run.status == 0)
  }

  @Test func inspectShowsTheConfiguration() async throws {
    let result = try await Program.run("inspect", "builtin:reader")
    #expect(result.status == 0)
    #expect(result.output.contains("architecture: llama"))
    let tensors = try await Program.run("inspect", "--tensors")
    #expect(tensors.output.contains("blk.0.attn_q.weight"))
    #expect(!result.output.contains("blk.0.attn_q.weight"))
  }
}
