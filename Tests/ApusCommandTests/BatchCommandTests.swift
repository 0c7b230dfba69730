import ApusCore
import Foundation
import Testing

@Suite(.enabled(if: Program.exists, Program.missing))
struct BatchCommandTests {
  /// So slow that a signal comes in between: one thread of plain C, two lines at once.
  private static let slow = ["--isa", "scalar", "-t", "1", "--max-num-seqs", "1"]

  private struct Files {
    let folder: TemporaryFolder
    let input: String
    let output: String

    /// `count` lines of two kinds, each `tokens` long.
    init(_ count: Int, tokens: Int) throws {
      folder = try TemporaryFolder()
      let lines = (0..<count).map { index in
        index % 2 == 0
          ? #"""
          {"custom_id":"r\#(index)","method":"POST","url":"/v1/completions","body":{"prompt":"The Marigold \#(index)","max_tokens":\#(tokens),"ignore_eos":true,"temperature":0}}
          """#
          : #"""
          {"custom_id":"r\#(index)","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"Hello \#(index)"}],"max_tokens":\#(tokens),"ignore_eos":true,"temperature":0}}
          """#
      }
      input = try folder.write(Array(lines.joined(separator: "\n").utf8), to: "in.jsonl")
      output = folder.file("out.jsonl")
    }

    var answers: String { folder.text("out.jsonl") }
    var wholeLines: Int { answers.utf8.count { $0 == UInt8(ascii: "\n") } }

    func start(_ arguments: [String]) throws -> Program.Running {
      try Program.start(["batch", input, output] + arguments)
    }

    /// Sends a signal when there are more answers than `count`.
    func signal(_ number: Int32, to running: Program.Running, past count: Int) {
      running.signal(number) { [self] in wholeLines > count }
    }

    /// Every line is answered once, and well.
    func expectAllAnswered(_ count: Int) throws {
      let records = try answers.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
      let ids = records.compactMap { $0["custom_id"]?.stringValue }
      #expect(ids.sorted() == (0..<count).map { "r\($0)" }.sorted())
      #expect(records.allSatisfy { $0["response"]?["status_code"] == 200 })
    }
  }

  @Test func killedBatchesGoOn() async throws {
    let files = try Files(24, tokens: 500)
    var kept = ""
    for kill in 0..<5 {
      let running = try files.start(Self.slow)
      files.signal(SIGKILL, to: running, past: kill - 1)
      _ = try await running.result()
      let answers = files.answers
      #expect(answers.hasPrefix(kept))
      kept = String(
        answers[
          ..<(answers.lastIndex(of: "\n").map { answers.index(after: $0) } ?? answers.startIndex)])
    }
    let done = files.wholeLines
    #expect((4..<24).contains(done))
    // As if the last kill had torn a line.
    try files.folder.write(Array((kept + #"{"id":"batch_"#).utf8), to: "out.jsonl")
    let result = try await files.start([]).result()
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("24 lines answered, \(done) of them before"))
    #expect(files.answers.hasPrefix(kept))
    try files.expectAllAnswered(24)
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func signalsEndABatchThatGoesOn(signal: Int32) async throws {
    let files = try Files(24, tokens: 500)
    let running = try files.start(Self.slow)
    files.signal(signal, to: running, past: 0)
    let result = try await running.result()
    #expect(result.status == 1)
    #expect(result.error?.hasPrefix("interrupted after ") == true, "\(result.errors)")
    #expect(files.answers.hasSuffix("\n"))
    #expect(try await files.start(["-q"]).result().errors.isEmpty)
    try files.expectAllAnswered(24)
  }

  /// A limit on the size of files does what a full disk does.
  @Test func aFullDiskIsAnErrorThatLeavesWholeLines() async throws {
    let files = try Files(6, tokens: 8)
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/sh")
    shell.arguments = [
      "-c", "trap '' XFSZ; ulimit -f 4; exec \"$0\" batch \"$1\" \"$2\" -t 2 2> \"$3\"",
      Program.path, files.input, files.output, files.folder.file("errors"),
    ]
    try shell.run()
    while shell.isRunning { try await Task.sleep(for: .milliseconds(10)) }
    let errors = files.folder.text("errors")
    #expect(shell.terminationStatus == 1)
    #expect(errors.hasPrefix("error: cannot write \(files.output): "), "\(errors)")
    #expect(errors.split(separator: "\n").count == 1)
    #expect((1..<6).contains(files.wholeLines))
    #expect(files.answers.hasSuffix("\n"))
    #expect(try await files.start([]).result().status == 0)
    try files.expectAllAnswered(6)
  }

  @Test func errorsStopNoOtherLine() async throws {
    let folder = try TemporaryFolder()
    let lines = #"""
      {"custom_id":"a","method":"POST","url":"/v1/completions","body":{"prompt":"The","max_tokens":2}}

      {"custom_id":"b","method":"POST","url":"/v1/completions","body":{"prompt":"The","max_tokens":"two"}}
      nothing
      """#
    let input = try folder.write(Array(lines.utf8), to: "in.jsonl")
    let output = folder.file("out.jsonl")
    let result = try await Program.run("batch", input, output, "--alias", "small")
    #expect(result.status == 0)
    #expect(result.errors == "\(output): 3 lines answered; 2 with an error\n")
    let records = try folder.text("out.jsonl").split(separator: "\n").map {
      try JSONValue(parsing: String($0))
    }
    #expect(records.count == 3)
    let a = records.first { $0["custom_id"] == "a" }
    #expect(a?["response"]?["body"]?["model"] == "small")
    let b = records.first { $0["custom_id"] == "b" }
    #expect(b?["response"]?["status_code"] == 400)
    #expect(b?["response"]?["body"]?["error"]?["param"] == "max_tokens")
    #expect(records.contains { $0["error"]?["line"] == 4 })
  }
}
