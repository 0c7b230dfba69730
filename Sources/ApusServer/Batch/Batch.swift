import Apus
import ApusCompute
import ApusCore
import ApusScheduling
import HTTPTypes
import Logging

/// Answers a file of requests in OpenAI's batch format; what was answered before a kill is not answered again.
package struct Batch: Sendable {
  package enum Progress: Sendable {
    /// Lines read and ordered.
    case reading(Int, of: Int)
    case answering(Int, of: Int, failures: Int)
  }

  package struct Summary: Sendable, Equatable {
    /// Lines of the input that are not blank.
    package var lines: Int
    /// Answered by an earlier run.
    package var answeredBefore: Int
    /// Lines without an answer, in the whole output.
    package var failures: Int

    package init(lines: Int, answeredBefore: Int, failures: Int = 0) {
      self.lines = lines
      self.answeredBefore = answeredBefore
      self.failures = failures
    }
  }

  package var input: String
  package var output: String
  /// The model's name in answers; nil means its file name.
  package var alias: String?
  /// Sequences that the engine runs at once.
  package var maxSequences: Int

  package init(input: String, output: String, maxSequences: Int) {
    self.input = input
    self.output = output
    self.maxSequences = maxSequences
  }

  /// Runs what is not answered yet; `load` is called if there is anything.
  ///
  /// Throws `BatchError`, `LineFileError`, `FileError` and what `load` throws; a cancelled task throws `BatchError.interrupted`.
  package func run(
    load: @Sendable () throws -> LanguageModel,
    progress: @escaping @Sendable (Progress) -> Void = { _ in }
  ) async throws -> Summary {
    let input = try BatchInput(path: input)
    let output = try BatchOutput(path: output)
    var summary = Summary(lines: input.places.count, answeredBefore: output.answered.count)
    do {
      let pending = try pending(input, output)
      if !pending.isEmpty {
        let runner = BatchRunner(
          model: try load(), services: services, input: input, output: output,
          progress: progress)
        let jobs = try await runner.plan(pending)
        try await runner.run(jobs, sequenceLimit: 2 * maxSequences)
      }
      try output.synchronize()
    } catch is CancellationError {
      try output.synchronize()
      throw BatchError.interrupted(done: output.answered.count, total: summary.lines)
    }
    summary.failures = output.failureCount
    return summary
  }

  private var services: Services {
    var configuration = ServerConfiguration()
    configuration.modelAlias = alias
    configuration.logLevel = .critical
    return Services(configuration)
  }

  /// The lines to run; those that are no requests are answered with their error.
  private func pending(_ input: BatchInput, _ output: BatchOutput) throws -> [BatchInput.Place] {
    var seen: Set<BatchKey> = []
    var failures: [BatchRecord] = []
    var pending: [BatchInput.Place] = []
    for place in input.places {
      try Task.checkCancellation()
      do throws(BatchLineError) {
        let id = try BatchLine(parsing: input.bytes(place)).customID
        guard seen.insert(BatchKey(customID: id)).inserted else {
          throw BatchLineError(
            code: .duplicate,
            message: "the custom_id '\(id)' stands in an earlier line; each must be unique",
            parameter: "custom_id")
        }
        if output.answered[BatchKey(customID: id)] == nil { pending.append(place) }
      } catch {
        let record = Self.failure(error, place, &seen)
        if output.answered[record.key] == nil { failures.append(record) }
      }
    }
    // Before the first write: nothing is added to the output of another input.
    if let (key, line) = output.answered.filter({ !seen.contains($0.key) }).min(by: {
      $0.value < $1.value
    }) {
      throw BatchError.otherInput(
        path: output.path, line: line, key: key.description, input: input.path)
    }
    for record in failures { try output.append(record) }
    return pending
  }

  /// A line whose custom_id an earlier line has is filed under its number.
  private static func failure(
    _ error: BatchLineError, _ place: BatchInput.Place, _ seen: inout Set<BatchKey>
  ) -> BatchRecord {
    var error = error
    if let id = error.customID, !seen.insert(BatchKey(customID: id)).inserted {
      error.customID = nil
    }
    let record = BatchRecord(error, line: place.number)
    seen.insert(record.key)
    return record
  }
}

/// Runs the lines of one batch.
private struct BatchRunner {
  let model: LanguageModel
  let services: Services
  let input: BatchInput
  let output: BatchOutput
  let progress: @Sendable (Batch.Progress) -> Void

  /// The lines in the order to run them; those that the endpoint refuses are answered with their error.
  func plan(_ places: [BatchInput.Place]) async throws -> [BatchJob] {
    var jobs: [BatchJob] = []
    var items: [PrefixOrder.Item] = []
    for (index, place) in places.enumerated() {
      try Task.checkCancellation()
      progress(.reading(index, of: places.count))
      let line = try BatchLine(parsing: input.bytes(place))
      do {
        let answer = try await answer(to: line)
        items.append(answer.orderItem(model))
        jobs.append(
          BatchJob(
            place: place, pages: answer.pageCount(model), sequences: answer.requests.count))
      } catch {
        try output.append(BatchRecord(refusing: line.customID, error))
      }
    }
    return PrefixOrder.order(of: items, unit: KVGeometry.pageSize).map { jobs[$0] }
  }

  /// Keeps as many lines running as there is memory for, and writes each answer when it is there.
  func run(_ jobs: [BatchJob], sequenceLimit: Int) async throws {
    await model.engine.synchronize()
    var admission = BatchAdmission(
      pageCount: model.engine.statistics.pageCount, sequenceLimit: sequenceLimit)
    var waiting = jobs[...]
    try await withThrowingTaskGroup(of: (BatchJob, BatchRecord).self) { group in
      while true {
        try Task.checkCancellation()
        while let job = waiting.first, admission.admit(job) {
          waiting.removeFirst()
          // Read anew: the texts of all lines may be more than the memory holds.
          let line = try BatchLine(parsing: input.bytes(job.place))
          let answer = try await answer(to: line)
          let call = Call(path: line.url, arrived: .now)
          // Started here, one after the other, so that the engine meets them in order.
          let feed = try answer.start(call, model: model, services: services)
          group.addTask { [id = line.customID] in
            (job, try await Self.record(id, answer, feed))
          }
        }
        guard let (job, record) = try await group.next() else { return }
        admission.release(job)
        try output.append(record)
        progress(
          .answering(
            output.answered.count, of: input.places.count, failures: output.failureCount))
      }
    }
  }

  private func answer(to line: BatchLine) async throws -> Answer {
    let name = services.modelName(model)
    let answer = try await line.endpoint.answer(
      to: line.body, model: model, name: name, settings: services.configuration.messages)
    if answer.options.stream {
      throw RequestError.invalid(parameter: "stream", "'stream' must be false in a batch")
    }
    try answer.validate(model)
    return answer
  }

  private static func record(
    _ customID: String, _ answer: Answer, _ feed: GenerationFeed.Stream
  ) async throws -> BatchRecord {
    do {
      return BatchRecord(customID: customID, status: 200, body: try await answer.whole(feed))
    } catch {
      try Task.checkCancellation()
      return try BatchRecord(refusing: customID, error)
    }
  }
}

extension BatchRecord {
  /// What the endpoint would have answered; throws an error that has to do with this run and not with the request.
  fileprivate init(refusing customID: String, _ error: any Error) throws {
    let mapped = APIError(error)
    guard mapped.status != .serviceUnavailable, !(error is CancellationError) else { throw error }
    self.init(customID: customID, status: mapped.status.code, body: mapped.body)
  }
}
