import Apus
import ApusCore
import Dispatch
import Synchronization

/// Tasks to run at some lengths, each with so many cases.
package struct Evaluation: Sendable {
  package struct Progress: Sendable, Equatable {
    package var done: Int
    package var total: Int
    /// The task and the length of the last case.
    package var task: String
    package var length: Int
  }

  package var tasks: [(name: String, task: any EvaluationTask)]
  package var lengths: [Int]
  package var unit = LengthUnit.tokens
  package var samples: Int
  package var seed: UInt64

  /// All cases of a task and a length are in memory at once.
  package static let mostSamples = 10_000
  /// A context holds no more characters than so many for each token.
  private static let charactersPerToken = 16

  package init(
    tasks: [(name: String, task: any EvaluationTask)], lengths: [Int],
    unit: LengthUnit = .tokens, samples: Int, seed: UInt64
  ) {
    self.tasks = tasks
    self.lengths = lengths
    self.unit = unit
    self.samples = samples
    self.seed = seed
  }

  /// Throws `EvaluationError` if a case cannot fit.
  package func check(contextLength: Int) throws {
    guard let longest = lengths.max() else { return }
    switch unit {
    case .tokens:
      guard longest > contextLength else { return }
      throw EvaluationError.tooLong(length: longest, contextLength: contextLength)
    case .characters:
      let most = contextLength * Self.charactersPerToken
      guard longest > most else { return }
      throw EvaluationError.tooManyCharacters(
        length: longest, most: most, contextLength: contextLength)
    }
  }

  /// Whether a task asks at certain depths of its documents.
  package func hasDepths() throws -> Bool {
    let anyLength = CaseLength(1) { _ in 1 }
    return try tasks.contains { _, task in
      try task.cases(length: anyLength, seed: seed, count: 1).contains { $0.depth != nil }
    }
  }

  /// Runs the cases that `results` lacks, many at once, and returns the records of all.
  ///
  /// `progress` is called when a case has been recorded. A cancelled task throws `EvaluationError.interrupted`; what is
  /// done stays in `results`.
  package func run(
    on subject: ModelUnderTest, model: String, settings: String, results: ResultsFile,
    progress: @escaping @Sendable (Progress) -> Void = { _ in }
  ) async throws -> [CaseRecord] {
    try check(contextLength: subject.contextLength)
    let log = RunLog(
      results, total: tasks.count * lengths.count * samples, progress: progress)
    let run = Run(
      evaluation: self, subject: subject, model: model, settings: settings, log: log)
    do {
      try run.checkLeastLengths()
      try await run.go()
      try results.synchronize()
    } catch is CancellationError {
      try results.synchronize()
      throw EvaluationError.interrupted(done: log.records.count, total: log.total)
    }
    return log.records.sorted {
      ($0.key.length, $0.key.task, $0.key.number) < ($1.key.length, $1.key.task, $1.key.number)
    }
  }
}

/// The records of one run, which its cases add when they end.
private final class RunLog: Sendable {
  private struct State {
    var records: [CaseRecord] = []
    var total: Int
  }

  private let results: ResultsFile
  private let state: Mutex<State>
  private let progress: @Sendable (Evaluation.Progress) -> Void

  init(
    _ results: ResultsFile, total: Int,
    progress: @escaping @Sendable (Evaluation.Progress) -> Void
  ) {
    self.results = results
    self.progress = progress
    state = Mutex(State(total: total))
  }

  var records: [CaseRecord] { state.withLock { $0.records } }
  var total: Int { state.withLock { $0.total } }

  /// A text may be too short for all cases.
  func lower(by count: Int) { state.withLock { $0.total -= count } }

  /// Takes over what an earlier run has found; false if that was another case or none.
  func takeOver(_ key: CaseKey, fingerprint: String) -> Bool {
    guard let record = results[key], record.fingerprint == fingerprint else { return false }
    state.withLock { $0.records.append(record) }
    return true
  }

  func add(_ record: CaseRecord) throws {
    try state.withLock { state in
      try results.add(record)
      state.records.append(record)
      progress(
        Evaluation.Progress(
          done: state.records.count, total: state.total, task: record.key.task,
          length: record.key.length))
    }
  }
}

/// One run over all cases on one model.
private struct Run: Sendable {
  let evaluation: Evaluation
  let subject: ModelUnderTest
  let model: String
  let settings: String
  let log: RunLog

  /// Throws `EvaluationError.tasksTooShort` for the tasks whose cases cannot be as short as a length.
  func checkLeastLengths() throws {
    var short: [EvaluationError.ShortTask] = []
    for (name, task) in evaluation.tasks {
      for length in evaluation.lengths.sorted() {
        let needed = try subject.leastLength(
          task, target: length, unit: evaluation.unit, seed: evaluation.seed,
          count: evaluation.samples)
        if needed > length {
          short.append(EvaluationError.ShortTask(task: name, length: length, needed: needed))
        } else if 2 * needed <= length {
          // The least cases of longer lengths are about as long.
          break
        }
      }
    }
    guard short.isEmpty else { throw EvaluationError.tasksTooShort(short) }
  }

  /// Keeps as many cases running as their keys and values have room for; each is recorded when it ends.
  func go() async throws {
    await subject.model.engine.synchronize()
    let room = subject.model.engine.statistics.pageCount
    try await withThrowingTaskGroup(of: Int.self) { group in
      var (pages, running) = (0, 0)
      for length in evaluation.lengths.sorted() {
        for (name, task) in evaluation.tasks {
          for (number, example) in try await cases(name, task, length).enumerated() {
            try Task.checkCancellation()
            let key = key(name, length, number)
            let fingerprint = example.fingerprint
            if log.takeOver(key, fingerprint: fingerprint) { continue }
            let request = try subject.request(example, task.measure)
            while running > 0,
              pages + request.pageCount > room || running >= 2 * subject.maxSequences
            {
              guard let freed = try await group.next() else { break }
              (pages, running) = (pages - freed, running - 1)
            }
            (pages, running) = (pages + request.pageCount, running + 1)
            group.addTask { [subject, log] in
              let output = try await subject.run(request)
              var record = CaseRecord(
                key: key, fingerprint: fingerprint, score: task.score(output, for: example),
                depth: example.depth, promptTokens: request.tokens.count,
                characters: request.characters)
              if case .answer(let text) = output { record.answer = text }
              try Task.checkCancellation()
              try log.add(record)
              return request.pageCount
            }
          }
        }
      }
      for try await _ in group {}
    }
  }

  /// Writes texts on a thread of its own: long ones take seconds, and cases that run wait for the tasks' threads.
  private func write(
    _ task: any EvaluationTask, _ length: CaseLength
  ) async throws -> [EvaluationCase] {
    let (seed, count) = (evaluation.seed, evaluation.samples)
    return try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async {
        continuation.resume(
          with: Result { try task.cases(length: length, seed: seed, count: count) })
      }
    }
  }

  private func cases(
    _ name: String, _ task: any EvaluationTask, _ length: Int
  ) async throws -> [EvaluationCase] {
    let caseLength = subject.caseLength(length, evaluation.unit, task.measure)
    do {
      let cases = try await write(task, caseLength)
      log.lower(by: evaluation.samples - cases.count)
      return cases
    } catch EvaluationError.tooShort(_, let needed) {
      throw EvaluationError.taskTooShort(task: name, length: length, needed: needed)
    }
  }

  private func key(_ task: String, _ length: Int, _ number: Int) -> CaseKey {
    CaseKey(
      model: model, settings: settings, task: task, length: length, unit: evaluation.unit,
      seed: evaluation.seed, number: number)
  }
}
