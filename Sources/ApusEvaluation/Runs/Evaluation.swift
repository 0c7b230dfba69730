import Apus
import ApusCore

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

  /// Throws `EvaluationError.tooLong` if a case cannot fit.
  package func check(contextLength: Int) throws {
    guard unit == .tokens, let longest = lengths.max(), longest > contextLength else { return }
    throw EvaluationError.tooLong(length: longest, contextLength: contextLength)
  }

  /// Runs the cases that `results` lacks, many at once, and returns the records of all.
  ///
  /// A cancelled task throws `EvaluationError.interrupted`; what is done stays in `results`.
  package func run(
    on subject: ModelUnderTest, model: String, settings: String, results: ResultsFile,
    progress: (Progress) -> Void = { _ in }
  ) async throws -> [CaseRecord] {
    try check(contextLength: subject.contextLength)
    var run = Run(
      evaluation: self, subject: subject, model: model, settings: settings, results: results)
    do {
      try await run.go(progress)
      try results.synchronize()
    } catch is CancellationError {
      try results.synchronize()
      throw EvaluationError.interrupted(done: run.done, total: run.total)
    }
    return run.records
  }

  func key(
    _ task: String, _ length: Int, _ number: Int, model: String, settings: String
  ) -> CaseKey {
    CaseKey(
      model: model, settings: settings, task: task, length: length, unit: unit, seed: seed,
      number: number)
  }
}

/// One run over all cases on one model.
private struct Run {
  let evaluation: Evaluation
  let subject: ModelUnderTest
  let model: String
  let settings: String
  let results: ResultsFile
  private(set) var records: [CaseRecord] = []
  private(set) var done = 0
  private(set) var total: Int

  private struct Job: Sendable {
    let key: CaseKey
    let task: any EvaluationTask
    let example: EvaluationCase
    let request: ModelUnderTest.Request
  }

  /// Cases under way at once; the engine runs as many as have room.
  private static let mostAtOnce = 128

  init(
    evaluation: Evaluation, subject: ModelUnderTest, model: String, settings: String,
    results: ResultsFile
  ) {
    self.evaluation = evaluation
    self.subject = subject
    self.model = model
    self.settings = settings
    self.results = results
    total = evaluation.tasks.count * evaluation.lengths.count * evaluation.samples
  }

  /// Keeps as many cases running as their keys and values have room for, and notes each score when it is there.
  mutating func go(_ progress: (Evaluation.Progress) -> Void) async throws {
    await subject.model.engine.synchronize()
    let room = subject.model.engine.statistics.pageCount
    try await withThrowingTaskGroup(of: (CaseRecord, Int).self) { group in
      var (pages, running) = (0, 0)
      for length in evaluation.lengths.sorted() {
        for (name, task) in evaluation.tasks {
          for job in try jobs(name, task, length) {
            while running > 0,
              pages + job.request.pageCount > room || running >= Self.mostAtOnce
            {
              guard let (record, freed) = try await group.next() else { break }
              (pages, running) = (pages - freed, running - 1)
              try note(record, progress)
            }
            try Task.checkCancellation()
            (pages, running) = (pages + job.request.pageCount, running + 1)
            group.addTask { [subject] in
              (try await Self.record(job, on: subject), job.request.pageCount)
            }
          }
        }
      }
      for try await (record, _) in group { try note(record, progress) }
    }
  }

  /// The cases of a task that have no record yet; those that have one are taken over.
  private mutating func jobs(
    _ name: String, _ task: any EvaluationTask, _ length: Int
  ) throws -> [Job] {
    let keys = (0..<evaluation.samples).map {
      evaluation.key(name, length, $0, model: model, settings: settings)
    }
    let known = keys.compactMap { results.records[$0] }
    records += known
    done += known.count
    guard known.count < keys.count else { return [] }
    let caseLength = subject.caseLength(length, evaluation.unit, task.measure)
    let cases: [EvaluationCase]
    do {
      cases = try task.cases(length: caseLength, seed: evaluation.seed, count: keys.count)
    } catch EvaluationError.tooShort(_, let needed) {
      throw EvaluationError.taskTooShort(task: name, length: length, needed: needed)
    }
    // A text may be too short for all of them.
    total -= keys.count - max(cases.count, known.count)
    return try zip(keys, cases).filter { results.records[$0.0] == nil }.map { key, example in
      Job(
        key: key, task: task, example: example,
        request: try subject.request(example, task.measure))
    }
  }

  private static func record(_ job: Job, on subject: ModelUnderTest) async throws -> CaseRecord {
    let output = try await subject.run(job.request)
    var answer: String?
    if case .answer(let text) = output { answer = text }
    return CaseRecord(
      key: job.key, score: job.task.score(output, for: job.example), depth: job.example.depth,
      promptTokens: job.request.tokens.count, characters: job.request.characters, answer: answer)
  }

  private mutating func note(
    _ record: CaseRecord, _ progress: (Evaluation.Progress) -> Void
  ) throws {
    try results.add(record)
    records.append(record)
    done += 1
    progress(
      Evaluation.Progress(
        done: done, total: total, task: record.key.task, length: record.key.length))
  }
}
