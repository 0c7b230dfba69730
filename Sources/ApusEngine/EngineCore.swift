import ApusAttention
import ApusCore
import ApusDecoding
import ApusScheduling

/// All mutable state of the engine and what a step does with it; lives on the engine thread.
final class EngineCore {
  var scheduler: Scheduler
  let runner: ModelRunner
  private let swapper: Swapper?
  private var reserve: MemoryReserve?
  private let contextLength: Int
  private let methods: [String]
  private let kvMethods: KVMethods
  private var requests: [SequenceID: RequestState] = [:]
  private let start = ContinuousClock.now
  private var deadlineCount = 0
  private var counters = EngineStatistics.Counters()
  private let steps: StepLog
  // Of the step at hand, one entry an item; kept for their memory.
  private var scheduled = ScheduledBatch()
  private var sampled: [TokenID?] = []
  private var scores: [TokenLogprobs?] = []

  /// `methods` are the approximate ones that every answer is made with.
  init(
    scheduler: Scheduler, runner: ModelRunner, swapper: Swapper?, reserve: MemoryReserve?,
    contextLength: Int, methods: [String], kvMethods: KVMethods, steps: StepLog
  ) {
    self.steps = steps
    self.methods = methods
    self.kvMethods = kvMethods
    self.scheduler = scheduler
    self.runner = runner
    self.swapper = swapper
    self.reserve = reserve
    self.contextLength = contextLength
  }

  var isIdle: Bool { scheduler.isIdle }

  /// What can be done for later requests as long as nothing else is to do.
  func prepare(while isIdle: () -> Bool) {
    reserve?.fill(beyond: scheduler.everUsedPageCount, while: isIdle)
  }

  var statistics: EngineStatistics {
    EngineStatistics(
      running: scheduler.running.count, waiting: scheduler.waiting.count,
      pageCount: scheduler.pageCount, usedPages: scheduler.usedPageCount,
      sharedPages: scheduler.sharedPageCount, cachedPages: scheduler.cachedPageCount,
      counters: counters)
  }

  func add(
    _ id: SequenceID, _ request: GenerationRequest, stream: TokenStream.Continuation,
    arrived: ContinuousClock.Instant
  ) {
    let methods = request.kvMethods ?? kvMethods
    let prompt = request.prompt + request.lookahead
    let kv =
      methods.isNone ? nil : runner.sequenceKV(methods, promptCount: request.prompt.count)
    let resident = methods.residentLimit(
      for: runner.shape, promptCount: request.prompt.count,
      maxBatchedTokens: scheduler.configuration.maxBatchedTokens)
    let state = RequestState(
      request, stream: stream, seed: UInt64.random(in: .min ... .max), kv: kv,
      limit: limit(request, isBounded: resident ?? .max <= contextLength), arrived: arrived)
    requests[id] = state
    if request.deadline != nil { deadlineCount += 1 }
    var attributes = request.scheduling
    // What is scored must be run.
    if request.promptLogprobs != nil || request.pooling != nil { attributes.reusesPrefix = false }
    if let kv { attributes.restrict(to: kv, resident: resident) }
    scheduler.add(
      Sequence(
        id: id, prompt: prompt, limit: min(state.limit, max(contextLength, prompt.count)),
        attributes: attributes),
      at: seconds(.now))
  }

  /// Tokens of prompt and answer together. What holds only so many tokens may go on beyond the context.
  private func limit(_ request: GenerationRequest, isBounded: Bool) -> Int {
    guard let most = request.maxTokens else { return max(contextLength, request.prompt.count) }
    let (sum, overflow) = request.prompt.count.addingReportingOverflow(most)
    let wanted = overflow ? Int.max : sum
    return isBounded ? wanted : min(contextLength, wanted)
  }

  /// Seconds of the scheduler's clock.
  private func seconds(_ time: ContinuousClock.Instant) -> Double { (time - start) / .seconds(1) }

  private func forget(_ id: SequenceID) -> RequestState? {
    let state = requests.removeValue(forKey: id)
    if state?.request.deadline != nil { deadlineCount -= 1 }
    return state
  }

  /// Ends the requests whose time is over.
  private func endLate(_ now: ContinuousClock.Instant) {
    guard deadlineCount > 0 else { return }
    for (id, state) in requests {
      guard let deadline = state.request.deadline, now - state.arrived > deadline else { continue }
      state.stream.finish(throwing: EngineError.deadlineExceeded(deadline))
      cancel(id)
    }
  }

  func cancel(_ id: SequenceID) {
    guard forget(id) != nil else { return }
    free(scheduler.remove(id))
  }

  /// Ends all requests.
  func cancelAll(_ error: any Error) {
    for (id, state) in requests {
      state.stream.finish(throwing: error)
      scheduler.remove(id)
    }
    requests = [:]
    deadlineCount = 0
  }

  /// Notes that pages have been copied.
  func finish(_ result: Swapper.Result) {
    counters.swappedPages += result.completed
    free(
      scheduler.finish(
        result.transfer, completed: result.completed, seconds: result.seconds))
  }

  /// Runs one batch; false when nothing can run.
  ///
  /// A step that decodes allocates no memory.
  func step() -> Bool {
    let now = ContinuousClock.now
    endLate(now)
    scheduler.schedule(into: &scheduled, at: seconds(now))
    free(scheduled.freedPages)
    counters.preemptions += scheduled.preempted.count
    for id in scheduled.preempted {
      requests[id]?.preemptions += 1
      requests[id]?.kv?.reset()
    }
    for transfer in scheduled.transfers { swapper?.begin(transfer) }
    guard !scheduled.items.isEmpty else { return false }
    sampled.removeAll(keepingCapacity: true)
    scores.removeAll(keepingCapacity: true)
    for item in scheduled.items {
      if requests[item.id]?.started == nil { requests[item.id]?.started = now }
      sampled.append(nil)
      scores.append(nil)
    }
    var owner = RowOwner()
    runner.run(
      scheduled, scheduler: scheduler, wantsAllLogits: { requests[$0]?.wantsAllLogits ?? false },
      kv: { requests[$0]?.kv }, wantsHidden: { requests[$0]?.pool != nil },
      useHidden: { id, position, hidden in requests[id]?.pool(hidden, position: position) },
      use: { row, logits in
        owner.advance(to: row, in: scheduled)
        use(logits, item: owner.item, row: row - owner.start)
      })
    let duration = (ContinuousClock.now - now) / .seconds(1)
    free(scheduler.update(scheduled, sampled: sampled, seconds: duration))
    counters.steps += 1
    counters.batchedTokens += scheduled.tokenCount
    log(start: now, seconds: duration)
    for (index, item) in scheduled.items.enumerated() {
      if let kv = requests[item.id]?.kv { keep(item, kv) }
      report(item, token: sampled[index], scores: scores[index])
    }
    return true
  }

  /// Notes what the step was made of.
  private func log(start: ContinuousClock.Instant, seconds: Double) {
    var record = StepRecord(number: counters.steps, start: start, seconds: seconds)
    record.waiting = scheduler.waiting.count
    for item in scheduled.items {
      guard let prompt = requests[item.id]?.request.prompt.count else { continue }
      let read = min(item.range.upperBound, prompt) - min(item.range.lowerBound, prompt)
      record.prefillTokens += read
      record.decodeTokens += item.range.count - read
      if read > 0 { record.prefills += 1 } else { record.decodes += 1 }
    }
    steps.add(record)
  }

  /// Scores a prompt token or samples the next one from the logits of row `row` of an item.
  private func use(_ logits: Span<Float>, item index: Int, row: Int) {
    let item = scheduled.items[index]
    guard let state = requests[item.id] else { return }
    let position = item.range.lowerBound + row
    if state.scoresPrompt, position + 1 < state.request.prompt.count,
      state.promptLogprobs.count == position
    {
      requests[item.id]?.promptLogprobs.append(
        TokenLogprobs(
          logits: logits, token: state.request.prompt[position + 1],
          topCount: state.request.promptLogprobs ?? 0))
    }
    if let kv = state.kv { note(logits, of: item.id, position: position, kv) }
    guard item.samples, position == item.range.upperBound - 1, state.request.maxTokens != 0,
      !state.isPreparing
    else { return }
    let token = state.sampler.sample(
      logits, history: scheduler.sequence(item.id)?.tokens ?? [], generated: state.generated,
      forbidden: state.forbidden)
    sampled[index] = token
    if let kv = state.kv, kv.needsSurprise {
      kv.note(surprise: surprise(logits, token), of: position + 1)
    }
    if let count = state.request.logprobs {
      scores[index] = TokenLogprobs(logits: logits, token: token, topCount: count)
    }
  }

  private func report(_ item: ScheduledBatch.Item, token: TokenID?, scores: TokenLogprobs?) {
    guard var state = requests[item.id] else { return }
    let now = ContinuousClock.now
    let prompt = state.request.prompt.count
    let reading = min(item.range.upperBound, prompt) - min(item.range.lowerBound, prompt)
    if reading > 0, state.generated == 0 {
      state.cached = scheduler.sequence(item.id)?.cachedCount ?? 0
      state.stream.yield(
        .progress(
          PromptProgress(
            total: prompt, cached: state.cached, processed: min(item.range.upperBound, prompt),
            elapsed: now - (state.started ?? now))))
    }
    if item.samples, !state.isPreparing, token != nil || state.request.maxTokens == 0 {
      if state.firstToken == nil {
        state.firstToken = now
        counters.promptTokens += prompt
        counters.cachedTokens += state.cached
        if state.request.promptLogprobs != nil {
          state.stream.yield(.promptLogprobs(state.promptLogprobs))
        }
        if let pool = state.pool { state.stream.yield(.embedding(pool.vector)) }
      }
      if let token {
        state.generated += 1
        counters.generatedTokens += 1
        state.stream.yield(
          .token(
            GeneratedToken(id: token, logprobs: scores, methods: state.methods(beside: methods))))
      }
      if let reason = state.finish(after: token) {
        counters.finished += 1
        _ = forget(item.id)
        let report = report(of: item.id, state.kv)
        free(scheduler.remove(item.id))
        state.stream.yield(
          .finished(reason, state.timings(at: now, methods: methods, kv: report)))
        state.stream.finish()
        return
      }
    }
    requests[item.id] = state
  }

  func free(_ pages: [PageID]) {
    for page in pages { runner.store.pageFreed(page) }
  }
}

/// Which scheduled item a row of the batch belongs to; rows must be asked for in order.
private struct RowOwner {
  private(set) var item = 0
  /// The item's first row.
  private(set) var start = 0

  mutating func advance(to row: Int, in batch: ScheduledBatch) {
    while row >= start + batch.items[item].range.count {
      start += batch.items[item].range.count
      item += 1
    }
  }
}
