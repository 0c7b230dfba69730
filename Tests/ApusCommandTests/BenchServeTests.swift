import ApusCore
import Testing

/// The load generator against the server, both as built.
@Suite(.enabled(if: Program.exists, Program.missing))
struct BenchServeTests {
  private static func server() async throws -> ServeTests.Listening {
    let server = try await ServeTests.Listening("-c", "512", "--max-num-seqs", "4", "-t", "1")
    try await server.waitUntilReady()
    return server
  }

  private func text(_ folder: TemporaryFolder, _ name: String) throws -> JSONValue {
    try JSONValue(parsing: folder.text(name))
  }

  @Test func randomPromptsHaveTheirLength() async throws {
    let server = try await Self.server()
    let folder = try TemporaryFolder()
    let result = try await Program.run(
      "bench", "serve", "--base-url", server.address, "--input-len", "48", "--output-len", "5",
      "--num-prompts", "6", "--request-rate", "50", "--goodput", "ttft:60000", "tpot:60000",
      "--json", folder.file("result.json"), "--save-detailed")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("6 of 6 completed"), "\(result.output)")
    let json = try text(folder, "result.json")
    #expect(json["completed"] == 6 && json["failed"] == 0)
    #expect(json["total_output_tokens"] == 30)
    #expect(json["output_tokens_from"] == "usage" && json["prompt_lengths"] == "tokenize")
    let lengths = json["input_lens"]?.arrayValue?.compactMap(\.intValue) ?? []
    #expect(lengths.count == 6 && lengths.allSatisfy { (40...56).contains($0) }, "\(lengths)")
    #expect(json["request_goodput"] == json["request_throughput"])
    for name in ["mean_ttft_ms", "p99_tpot_ms", "median_itl_ms", "max_itl_ms", "p90_e2el_ms"] {
      #expect((json[name]?.doubleValue ?? 0) > 0, "\(name)")
    }
    server.running.process.terminate()
  }

  @Test func sweepDrawsACurve() async throws {
    let server = try await Self.server()
    let folder = try TemporaryFolder()
    let prompts = try folder.write(
      Array("{\"prompt\": \"One\", \"max_tokens\": 3}\n{\"prompt\": \"Two words\"}\n".utf8),
      to: "prompts.jsonl")
    let result = try await Program.run(
      "bench", "serve", "--base-url", server.address + "/v1", "--dataset", "jsonl:" + prompts,
      "--output-len", "4", "--endpoint", "/v1/chat/completions", "--ignore-eos", "--sweep",
      "20,inf",
      "--svg", folder.file("curve.svg"), "--json", "-")
    #expect(result.status == 0, "\(result.errors)")
    let json = try JSONValue(parsing: result.output)
    let rows = try #require(json["sweep"]?.arrayValue)
    #expect(rows.map { $0["request_rate"] } == [20.0, "inf"])
    #expect(rows.allSatisfy { $0["completed"] == 2 && $0["total_output_tokens"] == 7 })
    #expect(json["prompt_lengths"] == "given")
    #expect(folder.text("curve.svg").hasPrefix("<svg"))
    server.running.process.terminate()
  }

  /// Of limits that nothing keeps and limits that everything keeps, up to the rate that sends all at once.
  @Test(arguments: [("0.001", JSONValue.null), ("60000", 40.0)])
  func goodputIsLookedFor(limit: String, rate: JSONValue) async throws {
    let server = try await Self.server()
    let folder = try TemporaryFolder()
    let result = try await Program.run(
      "bench", "serve", "--base-url", server.address, "--input-len", "8", "--output-len", "2",
      "--num-prompts", "4", "--request-rate", "8", "--goodput", "ttft:\(limit)", "tpot:\(limit)",
      "--find-goodput", "--json", folder.file("result.json"))
    #expect(result.status == 0, "\(result.errors)")
    let json = try text(folder, "result.json")
    #expect(json["goodput_rate"] == rate && json["goodput_settled"] == false)
    let tries = json["tries"]?.arrayValue ?? []
    #expect(tries.first?["request_rate"] == 8.0)
    #expect(tries.allSatisfy { $0["attained"] == (rate.isNull ? 0.0 : 1.0) })
    server.running.process.terminate()
  }

  @Test func serversThatAreNotThere() async throws {
    let result = try await Program.run(
      "bench", "serve", "--base-url", "http://127.0.0.1:9", "--model", "m", "--num-prompts", "1")
    #expect(result.status == 1)
    #expect(result.error?.contains("127.0.0.1:9") == true, "\(result.errors)")
    let folder = try await Program.run("bench", "serve", "--json", "/nowhere/result.json")
    #expect(folder.status == 1)
    #expect(folder.error?.contains("/nowhere") == true, "\(folder.errors)")
  }
}
