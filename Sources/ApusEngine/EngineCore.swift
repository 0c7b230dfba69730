import ApusAttention
import ApusCore
import ApusDecoding
import ApusScheduling

/// All mutable state of the engine and what a step does with it; lives on the engine thread.
final class EngineCore {
  private var scheduler: Scheduler
  private let runner: ModelRunner
  private let contextLength: Int
  private var requests: [SequenceID: RequestState] = [:]
  private var draining = false
  private var counters = EngineStatistics.Counters()

  init(scheduler: Scheduler, runner: ModelRunner, contextLength: Int) {
    self.scheduler = scheduler
    self.runner = runner
    self.contextLength = contextLength
  }

  var isIdle: Bool { scheduler.isIdle }

  var statistics: EngineStatistics {
    EngineStatistics(
      running: scheduler.running.count, waiting: scheduler.waiting.count,
      pageCount: scheduler.pool.pageCount, usedPages: scheduler.pool.usedCount,
      counters: counters)
  }

  func add(
    _ id: SequenceID, _ request: GenerationRequest, stream: TokenStream.Continuation,
    arrived: ContinuousClock.Instant
  ) {
    requests[id] = RequestState(
      request, stream: stream, seed: UInt64.random(in: .min ... .max),
      contextLength: contextLength, arrived: arrived)
    scheduler.add(Sequence(id: id, prompt: request.prompt))
  }

  func cancel(_ id: SequenceID) {
    guard requests.removeValue(forKey: id) != nil else { return }
    free(scheduler.remove(id))
  }

  /// Ends all requests.
  func cancelAll(_ error: any Error) {
    for (id, state) in requests {
      state.stream.finish(throwing: error)
      scheduler.remove(id)
    }
    requests = [:]
  }

  /// Runs one batch.
  func step() {
    let scheduled = scheduler.schedule()
    free(scheduled.freedPages)
    counters.preemptions += scheduled.preempted.count
    for id in scheduled.preempted { requests[id]?.preemptions += 1 }
    let now = ContinuousClock.now
    for item in scheduled.items where requests[item.id]?.started == nil {
      requests[item.id]?.started = now
    }
    let batch = runner.batch(scheduled, scheduler: scheduler) {
      requests[$0]?.scoresPrompt ?? false
    }
    var owners = RowOwners(scheduled)
    var sampled: [SequenceID: TokenID] = [:]
    var scores: [SequenceID: TokenLogprobs] = [:]
    runner.run(batch) { row, logits in
      let (item, index) = owners.owner(of: row)
      guard var state = requests[item.id] else { return }
      if state.scoresPrompt, index + 1 < state.request.prompt.count,
        state.promptLogprobs.count == index
      {
        state.promptLogprobs.append(
          TokenLogprobs(
            logits: logits, token: state.request.prompt[index + 1],
            topCount: state.request.promptLogprobs ?? 0))
        requests[item.id] = state
      }
      guard item.samples, index == item.range.upperBound - 1 else { return }
      if state.request.maxTokens == 0 { return }
      let history = scheduler.sequence(item.id)?.tokens ?? []
      let token = state.sampler.sample(
        logits, history: history, generated: state.generated, forbidden: state.forbidden)
      sampled[item.id] = token
      if let count = state.request.logprobs {
        scores[item.id] = TokenLogprobs(logits: logits, token: token, topCount: count)
      }
    }
    scheduler.update(scheduled, sampled: sampled)
    counters.steps += 1
    counters.batchedTokens += scheduled.tokenCount
    for item in scheduled.items { report(item, token: sampled[item.id], scores: scores[item.id]) }
  }

  private func report(_ item: ScheduledBatch.Item, token: TokenID?, scores: TokenLogprobs?) {
    guard var state = requests[item.id] else { return }
    let now = ContinuousClock.now
    let prompt = state.request.prompt.count
    let reading = min(item.range.upperBound, prompt) - min(item.range.lowerBound, prompt)
    counters.promptTokens += reading
    if reading > 0, state.generated == 0 {
      state.stream.yield(
        .progress(
          PromptProgress(
            total: prompt, cached: 0, processed: min(item.range.upperBound, prompt),
            elapsed: now - (state.started ?? now))))
    }
    if item.samples {
      if state.firstToken == nil {
        state.firstToken = now
        if state.request.promptLogprobs != nil {
          state.stream.yield(.promptLogprobs(state.promptLogprobs))
        }
      }
      if let token {
        state.generated += 1
        counters.generatedTokens += 1
        state.stream.yield(.token(GeneratedToken(id: token, logprobs: scores)))
      }
      if let reason = state.finish(after: token) {
        counters.finished += 1
        requests[item.id] = nil
        free(scheduler.remove(item.id))
        state.stream.yield(.finished(reason, state.timings(at: now)))
        state.stream.finish()
        return
      }
    }
    requests[item.id] = state
  }

  private func free(_ pages: [PageID]) {
    for page in pages { runner.store.pageFreed(page) }
  }
}

/// Which scheduled item a row of the batch belongs to.
private struct RowOwners {
  private let items: [ScheduledBatch.Item]
  private var current = 0
  private var start = 0

  init(_ batch: ScheduledBatch) { items = batch.items }

  /// The item and the token's index in its sequence; rows must be asked for in order.
  mutating func owner(of row: Int) -> (ScheduledBatch.Item, Int) {
    while row >= start + items[current].range.count {
      start += items[current].range.count
      current += 1
    }
    return (items[current], items[current].range.lowerBound + row - start)
  }
}
