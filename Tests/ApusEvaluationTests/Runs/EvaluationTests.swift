import Apus
import ApusCore
import ApusEngine
import ApusEvaluation
import Foundation
import Synchronization
import Testing

/// Runs on the embedded model.
@Suite struct EvaluationTests {
  private static func subject(_ keyFormat: String? = nil) throws -> ModelUnderTest {
    var configuration = EngineConfiguration()
    configuration.contextLength = 1024
    configuration.limitsStepTime = false
    guard let keyFormat else {
      return ModelUnderTest(try LanguageModel(.builtin("reader"), configuration: configuration))
    }
    let exact = try LanguageModel(.builtin("reader"), configuration: configuration)
    configuration.keyFormat = keyFormat
    configuration.valueFormat = keyFormat
    return ModelUnderTest(
      try LanguageModel(.builtin("reader"), configuration: configuration), exact: exact)
  }

  private static func evaluation(_ tasks: String..., length: Int = 512, samples: Int = 4) throws
    -> Evaluation
  {
    Evaluation(
      tasks: try EvaluationTasks.make(tasks), lengths: [length], samples: samples, seed: 3)
  }

  private func run(
    _ evaluation: Evaluation, on subject: ModelUnderTest, results: ResultsFile = ResultsFile()
  ) async throws -> [CaseRecord] {
    try await evaluation.run(on: subject, model: "reader", settings: "", results: results)
      .sorted { ($0.key.task, $0.key.number) < ($1.key.task, $1.key.number) }
  }

  private static func temporaryFile() -> String {
    FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID()).jsonl").path
  }

  @Test func lengthsAreThoseOfTheModel() async throws {
    let records = try await run(
      try Self.evaluation("niah", "qa", "kv", "path", "perplexity"), on: try Self.subject())
    #expect(records.count == 20)
    for record in records {
      #expect(record.promptTokens <= 512)
      #expect(record.promptTokens > 350, "\(record.key.task): \(record.promptTokens)")
      #expect(record.characters > record.promptTokens)
      #expect((0...1).contains(record.score.value))
    }
  }

  @Test func lengthsInCharacters() async throws {
    var evaluation = try Self.evaluation("niah", length: 1200)
    evaluation.unit = .characters
    for record in try await run(evaluation, on: try Self.subject()) {
      #expect((1000...1200).contains(record.characters))
    }
  }

  @Test func resultsAreNotComputedAgain() async throws {
    let path = Self.temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let subject = try Self.subject()
    let evaluation = try Self.evaluation("niah", "count")
    let all = try await run(evaluation, on: subject, results: try ResultsFile(path: path))
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let lines = text.split(separator: "\n")
    #expect(lines.count == 8)
    // Three whole lines, the middle one changed so that it can be told from a new one, and a torn one.
    var kept = lines.prefix(3).map(String.init)
    kept[1] = kept[1].replacing(#""prompt_tokens":"#, with: #""prompt_tokens":9"#)
    try (kept.joined(separator: "\n") + "\n" + lines[3].prefix(40)).write(
      toFile: path, atomically: true, encoding: .utf8)
    let again = try await run(evaluation, on: subject, results: try ResultsFile(path: path))
    #expect(again.count == 8)
    #expect(zip(all, again).count { $0 == $1 } == 7)
    #expect(again.contains { $0.promptTokens > 9000 })
    let whole = try String(contentsOfFile: path, encoding: .utf8)
    #expect(whole.hasPrefix(kept.joined(separator: "\n") + "\n") && whole.hasSuffix("\n"))
    #expect(whole.split(separator: "\n").count == 8)
    // Nothing is left to do.
    let progress = try await evaluation.run(
      on: subject, model: "reader", settings: "", results: try ResultsFile(path: path)
    ) { _ in Issue.record("a case was run again") }
    #expect(progress.count == 8)
  }

  @Test func recordsOfOtherCasesDoNotCount() async throws {
    let path = Self.temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let subject = try Self.subject()
    let evaluation = try Self.evaluation("kv")
    let all = try await run(evaluation, on: subject, results: try ResultsFile(path: path))
    #expect(Set(all.map(\.fingerprint)).count == 4)
    // As if the task had made another case before; and a record that does not say which case it was.
    var lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      .map(String.init)
    lines[1] = lines[1].replacing(#""case":""#, with: #""case":"0"#)
      .replacing(#""prompt_tokens":"#, with: #""prompt_tokens":9"#)
    lines[2] = lines[2].replacing(#""case":""#, with: #""old":""#)
      .replacing(#""prompt_tokens":"#, with: #""prompt_tokens":9"#)
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: path, atomically: true, encoding: .utf8)
    let again = try await run(evaluation, on: subject, results: try ResultsFile(path: path))
    #expect(again == all)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.split(separator: "\n").count == 6)
    // The last record of a case counts.
    #expect(try await run(evaluation, on: subject, results: try ResultsFile(path: path)) == all)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
  }

  @Test(arguments: ["kv", "perplexity", "agreement"])
  func whatAnInterruptCutsOffIsNotRecorded(task: String) async throws {
    let path = Self.temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let subject = try Self.subject()
    let evaluation = try Self.evaluation(task, samples: 60)
    let (first, continuation) = AsyncStream.makeStream(of: Void.self)
    let running = Task {
      try await evaluation.run(
        on: subject, model: "reader", settings: "", results: try ResultsFile(path: path)
      ) { _ in continuation.yield() }
    }
    for await _ in first { break }
    running.cancel()
    await #expect(throws: EvaluationError.self) { try await running.value }
    let kept = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count
    #expect((1..<60).contains(kept))
    let resumed = try await run(evaluation, on: subject, results: try ResultsFile(path: path))
    #expect(resumed.count == 60)
    #expect(try await run(evaluation, on: subject) == resumed)
  }

  /// A task that makes its cases, apart from the shortest ones, once something has happened.
  private struct Waiting: EvaluationTask {
    let inner: any EvaluationTask
    let has: @Sendable () -> Bool
    private let calls = Counter()

    init(_ inner: any EvaluationTask, until has: @escaping @Sendable () -> Bool) {
      self.inner = inner
      self.has = has
    }

    init(options: PluginOptions) throws {
      self.init(try EvaluationTasks.make(["kv"])[0].task) { true }
    }

    var measure: EvaluationMeasure { inner.measure }

    func cases(length: CaseLength, seed: UInt64, count: Int) throws -> [EvaluationCase] {
      let end = ContinuousClock.now + .seconds(600)
      if calls.next() > 0 {
        while !has(), .now < end { Thread.sleep(forTimeInterval: 0.01) }
      }
      return try inner.cases(length: length, seed: seed, count: count)
    }

    func score(_ output: ModelOutput, for example: EvaluationCase) -> TaskScore {
      inner.score(output, for: example)
    }
  }

  @Test func casesAreRecordedWhileOthersAreMade() async throws {
    let path = Self.temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let kv = try EvaluationTasks.make(["kv"])[0].task
    let waited = Mutex(false)
    let waiting = Waiting(kv) {
      let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
      guard text.split(separator: "\n").count == 4 else { return false }
      waited.withLock { $0 = true }
      return true
    }
    let evaluation = Evaluation(
      tasks: [("kv", kv), ("later", waiting)], lengths: [512], samples: 4, seed: 3)
    let records = try await run(
      evaluation, on: try Self.subject(), results: try ResultsFile(path: path))
    #expect(records.count == 8)
    #expect(waited.withLock { $0 })
  }

  @Test func otherFilesAreNotTouched() throws {
    let path = Self.temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    for text in ["{\"a\": 1}\n", "hello", "{\"task\":\"niah\"}\n"] {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      #expect(throws: (any Error).self) { try ResultsFile(path: path) }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }
  }

  @Test func oneWriterAtATime() throws {
    let path = Self.temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let first = try ResultsFile(path: path)
    #expect(throws: LineFileError.inUse(path: path)) { try ResultsFile(path: path) }
    try first.synchronize()
  }

  @Test func longCasesAreRefused() async throws {
    let subject = try Self.subject()
    await #expect(throws: EvaluationError.tooLong(length: 1025, contextLength: 1024)) {
      try await run(try Self.evaluation("niah", length: 1025), on: subject)
    }
    var characters = try Self.evaluation("niah", length: 1 << 40)
    characters.unit = .characters
    await #expect(
      throws: EvaluationError.tooManyCharacters(
        length: 1 << 40, most: 16_384, contextLength: 1024)
    ) { try await run(characters, on: subject) }
  }

  @Test func tasksWithoutShortCasesAreNamedBeforeAnythingRuns() async throws {
    let evaluation = try Self.evaluation("kv", "thread:hops=90", "thread_back:hops=80", length: 300)
    let error = await #expect(throws: EvaluationError.self) {
      try await evaluation.run(
        on: try Self.subject(), model: "reader", settings: "", results: ResultsFile()
      ) { _ in Issue.record("a case ran") }
    }
    guard case .tasksTooShort(let tasks) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(tasks.map(\.task) == ["thread:hops=90", "thread_back:hops=80"])
    #expect(tasks.allSatisfy { $0.length == 300 && $0.needed > 300 })
  }

  /// Two engines, whatever their chunks and threads.
  @Test func anExactRunAgreesWithItself() async throws {
    func model(chunk: Int, threads: Int) throws -> LanguageModel {
      var configuration = EngineConfiguration()
      configuration.contextLength = 1024
      configuration.limitsStepTime = false
      configuration.maxBatchedTokens = chunk
      configuration.threadCount = threads
      return try LanguageModel(.builtin("reader"), configuration: configuration)
    }
    let subject = ModelUnderTest(
      try model(chunk: 48, threads: 1), exact: try model(chunk: 512, threads: 2))
    let records = try await run(try Self.evaluation("agreement"), on: subject)
    #expect(records.count == 4)
    #expect(records.allSatisfy { $0.score.value == 1 && $0.score.details["kl max"] == 0 })
  }

  @Test func anApproximateRunIsMeasured() async throws {
    let evaluation = try Self.evaluation("agreement")
    let coarse = try await run(evaluation, on: try Self.subject("q4_0"))
    let fine = try await run(evaluation, on: try Self.subject("q8_0"))
    func mean(_ records: [CaseRecord], _ name: String) -> Double {
      records.reduce(0) { $0 + ($1.score.details[name] ?? 0) } / Double(records.count)
    }
    #expect(mean(coarse, "kl") > mean(fine, "kl") && mean(fine, "kl") > 0)
    #expect(coarse.allSatisfy { $0.score.value < 1 && $0.score.value > 0.5 })
  }
}
