import Apus
import ApusCore
import ApusEngine
import ApusServer
import Foundation
import Testing

@Suite(.serialized) struct BatchTests {
  private func lines(_ count: Int) -> [String] {
    (0..<count).map {
      BatchFiles.line("r\($0)", completion(.string("The cat \($0)"), [("max_tokens", 3)]))
    }
  }

  /// Apart from its id and its times, an answer is the one that the endpoint gives.
  @Test func answersAreThoseOfTheEndpoint() async throws {
    let bodies = [
      ("/v1/chat/completions", chat("Hello", [("logprobs", true)])),
      ("/v1/completions", completion(["The cat", "A dog"], [("n", 2), ("seed", 5)])),
    ]
    let files = try BatchFiles(bodies.map { BatchFiles.line($0, $1, url: $0) })
    let summary = try await files.run()
    #expect(summary.lines == 2 && summary.failures == 0 && summary.answeredBefore == 0)
    func constant(_ body: JSONValue?) -> JSONObject? {
      var object = body?.objectValue
      for key in ["id", "created", "timings", "usage"] { object?[key] = nil }
      return object
    }
    let server = try await TestServer.shared.value
    for (url, body) in bodies {
      let record = try #require(try files.record(url))
      #expect(record["id"]?.stringValue?.hasPrefix("batch_req_") == true)
      #expect(record["error"]?.isNull == true)
      #expect(record["response"]?["status_code"] == 200)
      #expect(record["response"]?["request_id"]?.stringValue?.isEmpty == false)
      let answer = try await server.post(url, body).json()
      let own = try #require(constant(record["response"]?["body"]))
      #expect(own == constant(answer))
      #expect(own.count > 3)
    }
  }

  @Test func refusedBodiesHaveTheEndpointsError() async throws {
    let bodies = [
      "hot": completion("x", [("temperature", "hot")]), "long": completion("x", [("n", 999)]),
      "empty": completion([]), "new": completion("x", [("audio", ["voice": "a"])]),
    ]
    let files = try BatchFiles(
      bodies.map { BatchFiles.line($0, $1) } + [
        BatchFiles.line("stream", completion("x", [("stream", true)])),
        BatchFiles.line("good", completion("x")),
      ])
    #expect(try await files.run().failures == 5)
    let server = try await TestServer.shared.value
    for (id, body) in bodies {
      let response = try #require(try files.record(id)?["response"])
      let answer = try await server.post("/v1/completions", body)
      #expect(response["status_code"]?.intValue == answer.status)
      #expect(try response["body"] == answer.json())
    }
    let stream = try files.record("stream")?["response"]
    #expect(stream?["status_code"] == 400)
    #expect(stream?["body"]?["error"]?["param"] == "stream")
    #expect(try files.record("good")?["response"]?["status_code"] == 200)
  }

  @Test func linesThatAreNoRequests() async throws {
    let body = completion("x", [("max_tokens", 1)])
    let files = try BatchFiles([
      "{\"custom_id\": ",  // 1
      "",
      "[1]",  // 3
      "  \r",
      #"{"method": "POST", "url": "/v1/completions", "body": {}}"#,  // 5
      BatchFiles.line("get", body, method: "GET"),
      BatchFiles.line("url", body, url: "/v1/embeddings"),
      BatchFiles.line("good", body) + "\r",
      BatchFiles.line("good", body),  // 9
      #"{"custom_id": "none", "method": "POST", "url": "/v1/completions"}"#,
    ])
    let summary = try await files.run()
    #expect(summary.lines == 8)
    #expect(summary.failures == 7)
    let records = try files.records()
    #expect(records.count == 8)
    let errors: [Int: (String, String?)] = [
      1: ("invalid_json_line", nil), 3: ("invalid_json_line", nil),
      5: ("missing_required_parameter", nil), 6: ("invalid_method", "get"),
      7: ("invalid_url", "url"), 9: ("duplicate_custom_id", nil),
      10: ("missing_required_parameter", "none"),
    ]
    for (line, (code, id)) in errors {
      let record = try #require(
        records.first { $0["error"]?["line"]?.intValue == line }, "line \(line)")
      #expect(record["error"]?["code"] == .string(code))
      #expect(record["error"]?["message"]?.stringValue?.hasPrefix("line \(line): ") == true)
      #expect(record["custom_id"] == id.map { .string($0) } ?? .null)
      #expect(record["response"]?.isNull == true)
    }
    #expect(try files.record("good")?["response"]?["status_code"] == 200)
    // Errors are answers too: a second run has nothing to do.
    let before = files.answers
    #expect(try await files.run().answeredBefore == 8)
    #expect(files.answers == before)
  }

  /// Lines are lost from the end, as a kill loses them, and the last one is cut somewhere.
  @Test(arguments: [0, 1, 20, 200, -1])
  func aTornOutputIsCompleted(cut: Int) async throws {
    let files = try BatchFiles(lines(6) + ["{"])
    try await files.run()
    let whole = files.answers.split(separator: "\n").map { $0 + "\n" }
    #expect(whole.count == 7)
    let kept = whole.prefix(3).joined()
    let torn = cut < 0 ? whole[3].dropLast() : whole[3].prefix(cut)
    try files.write(kept + String(torn), to: files.output)
    let summary = try await files.run()
    #expect(summary.answeredBefore == 3)
    #expect(files.answers.hasPrefix(kept))
    #expect(try files.records().count == 7)
    for index in 0..<6 { #expect(try files.record("r\(index)") != nil) }
    #expect(try files.records().count { $0["error"]?["line"] == 7 } == 1)
  }

  @Test func aFinishedBatchLoadsNoModel() async throws {
    struct Loaded: Error {}
    let files = try BatchFiles(lines(2))
    try await files.run()
    let summary = try await files.batch().run(load: { throw Loaded() })
    #expect(summary == Batch.Summary(lines: 2, answeredBefore: 2, failures: 0))
    try files.write("", to: files.output)
    await #expect(throws: Loaded.self) { try await files.batch().run(load: { throw Loaded() }) }
  }

  @Test func anotherInputIsRefused() async throws {
    let files = try BatchFiles(lines(3))
    try await files.run()
    let before = files.answers
    let line = try #require(try files.records().firstIndex { $0["custom_id"] == "r2" }) + 1
    try files.write(lines(2).joined(separator: "\n") + "\n{", to: files.input)
    await #expect(
      throws: BatchError.otherInput(
        path: files.output.path, line: line, key: "the custom_id 'r2'", input: files.input.path)
    ) { try await files.run() }
    #expect(files.answers == before)
  }

  /// A file that is no output stays as it is.
  @Test(arguments: [
    ("{\"custom_id\": \"a\", \"body\": {}}\n", "it has no response and no error"),
    ("text\n", "it is invalid JSON at byte 0: expected a value"),
    ("{\"id\":\"batch_req_1\"}\n", "it has no response and no error"),
    ("[]\n", "it has no response and no error"),
  ])
  func otherFilesAreNotTouched(content: String, reason: String) async throws {
    let files = try BatchFiles(lines(1))
    try files.write(content, to: files.output)
    await #expect(
      throws: BatchError.notAnOutput(path: files.output.path, line: 1, reason: reason)
    ) { try await files.run() }
    #expect(files.answers == content)
  }

  /// Nor does one that ends as no line of output begins.
  @Test(arguments: ["text", "{\"id\":\"other"])
  func otherEndsAreNotTouched(content: String) async throws {
    let files = try BatchFiles(lines(1))
    try files.write(content, to: files.output)
    await #expect(throws: LineFileError.unfinished(path: files.output.path, line: 1)) {
      try await files.run()
    }
    #expect(files.answers == content)
  }

  @Test func theInputIsNoOutput() async throws {
    let files = try BatchFiles(lines(1))
    let before = try Data(contentsOf: files.input)
    let model = try await TestServer.shared.value.model
    let batch = Batch(input: files.input.path, output: files.input.path, maxSequences: 1)
    await #expect(throws: BatchError.self) { try await batch.run(load: { model! }) }
    #expect(try Data(contentsOf: files.input) == before)
  }

  @Test func twoRunsDoNotShareAnOutput() async throws {
    let files = try BatchFiles(lines(1))
    try files.write("", to: files.output)
    let other = try FileHandle(forUpdating: files.output)
    #expect(flock(other.fileDescriptor, LOCK_EX | LOCK_NB) == 0)
    await #expect(throws: LineFileError.inUse(path: files.output.path)) { try await files.run() }
    try other.close()
    #expect(try await files.run().lines == 1)
  }

  @Test func aCancelledBatchGoesOn() async throws {
    let files = try BatchFiles(lines(12))
    let model = try await TestServer.shared.value.model
    let task = Task {
      try await files.batch(maxSequences: 1).run(load: { model! }) {
        // At the first answer.
        if case .answering = $0 { withUnsafeCurrentTask { $0?.cancel() } }
      }
    }
    let error = await #expect(throws: BatchError.self) { try await task.value }
    let done = try files.records().count
    #expect(done == 1)
    #expect(error == .interrupted(done: done, total: 12))
    #expect(try await files.run().answeredBefore == done)
    for index in 0..<12 { #expect(try files.record("r\(index)") != nil) }
    #expect(try files.records().count == 12)
  }

  /// Each line may come to have 10 pages of 83,200 bytes, of which there are 24: no sequence is ever read twice.
  @Test func littleMemoryTakesFewLinesAtOnce() async throws {
    var engine = EngineConfiguration()
    engine.maxSequences = 16
    engine.contextLength = 400
    engine.kvMemory = ByteCount(24 * 83_200)
    let model = try LanguageModel(.builtin("reader"), configuration: engine)
    let files = try BatchFiles(
      (0..<8).map {
        BatchFiles.line(
          "r\($0)",
          completion(.string("Ship \($0)"), [("max_tokens", 300), ("ignore_eos", true)]))
      })
    let summary = try await files.batch(maxSequences: 16).run(load: { model })
    #expect(summary.failures == 0)
    await model.engine.synchronize()
    #expect(model.engine.statistics.counters.finished == 8)
    #expect(model.engine.statistics.counters.preemptions == 0)
  }
}
