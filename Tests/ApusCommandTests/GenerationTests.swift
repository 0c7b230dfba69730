import ApusCore
import Foundation
import Testing

@Suite(.enabled(if: Program.exists, Program.missing))
struct GenerationTests {
  @Test func runPrintsTextAndTimings() async throws {
    let result = try await Program.run("run", "-p", "The", "-n", "4", "-t", "2")
    #expect(result.status == 0)
    #expect(!result.output.isEmpty)
    #expect(result.errors.hasPrefix("prompt 1 tokens in "))
    #expect(result.errors.contains("answer 4 tokens"))
  }

  @Test func runPrintsOneObject() async throws {
    let result = try await Program.run(
      "run", "-p", "The", "-n", "4", "--ignore-eos", "--json", "--threads=1")
    let json = try JSONValue(parsing: result.output)
    #expect(result.status == 0)
    #expect(result.errors.isEmpty)
    #expect(json["tokens"]?.arrayValue?.count == 4)
    #expect(json["finish_reason"] == "length")
    #expect(json["text"]?.stringValue?.isEmpty == false)
    #expect(json["timings"]?["prompt_n"] == 1)
    #expect(json["timings"]?["predicted_n"] == 4)
    for name in ["prompt_ms", "prompt_per_second", "predicted_ms", "predicted_per_second"] {
      #expect((json["timings"]?[name]?.doubleValue ?? 0) > 0, "\(name)")
    }
  }

  @Test func approximateAnswersSayWhatTheyKept() async throws {
    let prompt = String(repeating: "The Marigold carried salt. ", count: 80)
    let plain = try await Program.run("run", "-p", prompt, "-n", "4", "--ignore-eos", "--json")
    let exact = try JSONValue(parsing: plain.output)
    #expect(exact["methods"] == nil && exact["kv"] == nil)
    let cut = try await Program.run(
      "run", "-p", prompt, "-n", "4", "--ignore-eos", "--json", "--kv-policy", "window:budget=64")
    #expect(cut.status == 0, "\(cut.errors)")
    let json = try JSONValue(parsing: cut.output)
    #expect(json["methods"] == ["kv-policy:window:budget=64"])
    let kept = json["kv"]?["kept_tokens"]?.doubleValue ?? 0
    #expect((64...96).contains(kept))
    #expect(json["kv"]?["bytes"]?.intValue ?? 0 > 0)
    #expect((2...4).contains(json["kv"]?["pages_read"]?.doubleValue ?? 0))
    let text = try await Program.run(
      "run", "-p", prompt, "-n", "4", "--ignore-eos", "--select", "quest:budget=64")
    #expect(text.errors.contains("approximate by select:quest:budget=64"))
    let none = try await Program.run(
      "run", "-p", prompt, "-n", "4", "--ignore-eos", "--json", "--kv-policy", "none", "--select",
      "none")
    #expect(try JSONValue(parsing: none.output)["tokens"] == exact["tokens"])
  }

  @Test func textComesFromFileAndStandardInput() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(Array("The Marigold".utf8), to: "prompt.txt")
    let fromFile = try await Program.run("run", "-f", file, "-n", "6", "-q")
    let fromInput = try await Program.run("run", "-", "-n", "6", "-q", input: "The Marigold")
    let fromFlag = try await Program.run("run", "-p", "The Marigold", "-n", "6", "-q")
    #expect(fromFile.status == 0)
    #expect(fromFile.output == fromInput.output)
    #expect(fromFile.output == fromFlag.output)
    #expect(fromFile.errors.isEmpty)
  }

  /// The embedded model reads: the facts stand in the example document alone.
  @Test(arguments: [
    ("What cargo did the Marigold carry?", "The Marigold carried oranges."),
    ("What was the Kestrel carrying?", "The Kestrel carried timber."),
    ("On which day did the Kestrel arrive?", "The Kestrel arrived on Friday."),
    ("What cargo did the Heron carry?", "The document does not say."),
  ])
  func answersFromADocument(question: String, answer: String) async throws {
    let document = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Examples/harbour.txt").standardizedFileURL.path
    let result = try await Program.run("run", "--chat", "-f", document, "-p", question, "-q")
    #expect(result.output.trimmingCharacters(in: .whitespacesAndNewlines) == answer)
  }

  @Test func aSeedRepeatsASample() async throws {
    func sample(_ seed: String) async throws -> String {
      try await Program.run("run", "-p", "The", "-n", "12", "--temp", "1.5", "--seed", seed, "-q")
        .output
    }
    let first = try await sample("1")
    #expect(try await sample("1") == first)
    #expect(try await sample("2") != first)
  }

  @Test func aStopTextEndsTheAnswer() async throws {
    let whole = try await Program.run("run", "-p", "The Marigold", "-n", "6", "-q").output
    let stop = String(whole.split(separator: " ")[0])
    let result = try await Program.run(
      "run", "-p", "The Marigold", "-n", "6", "--stop", stop, "--json")
    let json = try JSONValue(parsing: result.output)
    #expect(json["finish_reason"] == "stop")
    #expect(json["text"]?.stringValue?.contains(stop) == false)
  }
}
