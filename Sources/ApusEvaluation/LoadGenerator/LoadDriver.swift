import ApusCore
import NIOCore
import Synchronization

/// What a run of a load left.
package struct LoadRun: Sendable {
  /// Of the requests that ended, in the order of the workload.
  package var records: [RequestRecord]
  /// Requests of the workload.
  package var planned: Int
  /// When the first request was due, in nanoseconds of the monotonic clock.
  package var started: Int64
  package var ended: Int64
  package var mostAtOnce: Int
  /// By how much a request was later than planned, in nanoseconds: the client's own fault.
  package var greatestDelay: Int64
  /// Requests that were under way when the run was stopped; they count as nothing.
  package var abandoned: Int
  package var isStopped: Bool

  package init(
    records: [RequestRecord], planned: Int, started: Int64, ended: Int64, mostAtOnce: Int,
    greatestDelay: Int64, abandoned: Int, isStopped: Bool
  ) {
    self.records = records
    self.planned = planned
    self.started = started
    self.ended = ended
    self.mostAtOnce = mostAtOnce
    self.greatestDelay = greatestDelay
    self.abandoned = abandoned
    self.isStopped = isStopped
  }
}

/// Sends requests when they are due, whatever has become of those before: an open loop.
package final class LoadDriver: Sendable {
  package struct Options: Sendable {
    /// Requests at once; those due beyond wait, and their time counts from when they are sent.
    package var maxConcurrency = Int.max
    package var objective = ServiceObjective()
    /// The run stops when more requests than this have missed the objective.
    package var allowedMisses = Int.max

    package init() {}
  }

  package struct Progress: Sendable {
    package let finished: Int
    package let failed: Int
    package let inFlight: Int
  }

  private struct State {
    var planned = 0
    var started: Int64 = 0
    var records: [RequestRecord] = []
    var inFlight: [Int: LoadExchange] = [:]
    /// Requests that have a place among those at once; one may not be sent yet.
    var active = 0
    var waiting: [(index: Int, body: ByteBuffer)] = []
    var nextWaiting = 0
    var mostAtOnce = 0
    var greatestDelay: Int64 = 0
    var failed = 0
    var misses = 0
    /// Bytes of requests that are made and not sent.
    var pendingBytes = 0
    var abandoned = 0
    var isStopped = false
    var isOver = false
    var waiter: CheckedContinuation<Void, Never>?

    var ended: Int64 {
      let last = records.map(\.ended).max() ?? started
      return max(started, isStopped ? monotonicTime() : last)
    }

    /// The request that takes the place of one that has ended.
    mutating func nextWaitingRequest() -> (index: Int, body: ByteBuffer)? {
      guard nextWaiting < waiting.count else {
        active -= 1
        return nil
      }
      let next = waiting[nextWaiting]
      waiting[nextWaiting].body = ByteBuffer()
      nextWaiting += 1
      return next
    }
  }

  /// Requests are made ahead of their time, as far as they take this memory.
  private static let bytesAhead = 256 << 20
  private static let tick = TimeAmount.milliseconds(100)

  private let client: LoadClient
  private let body: RequestBody
  private let options: Options
  private let requests: [LoadRequest]
  private let state = Mutex(State())

  package init(
    _ client: LoadClient, _ body: RequestBody, _ requests: [LoadRequest], options: Options
  ) {
    self.client = client
    self.body = body
    self.requests = requests
    self.options = options
  }

  /// Runs the load once; when the task is cancelled, with what there is until then.
  ///
  /// - Parameters:
  ///   - times: Seconds after the start at which the requests are due, ascending.
  ///   - progress: Called about ten times a second.
  package func run(
    at times: [Double], writer: PromptWriter, progress: @escaping @Sendable (Progress) -> Void
  ) async -> LoadRun {
    precondition(times.count == requests.count)
    let (ahead, start) = prepare(times.count, writer)
    let ticker = client.group.any().scheduleRepeatedTask(initialDelay: Self.tick, delay: Self.tick)
    { [self] _ in self.tick(progress) }
    await withTaskCancellationHandler {
      await schedule(at: times, from: start, ahead, writer)
      await ending()
    } onCancel: {
      stop()
    }
    ticker.cancel()
    return state.withLock { state in
      LoadRun(
        records: state.records.sorted { $0.index < $1.index }, planned: state.planned,
        started: state.started, ended: state.ended,
        mostAtOnce: state.mostAtOnce, greatestDelay: state.greatestDelay,
        abandoned: state.abandoned, isStopped: state.isStopped)
    }
  }

  /// Makes the first requests; the clock starts when they are ready.
  private func prepare(_ count: Int, _ writer: PromptWriter) -> ([ByteBuffer], NIODeadline) {
    var ahead: [ByteBuffer] = []
    var bytes = 0
    while ahead.count < count, bytes < Self.bytesAhead, !Task.isCancelled {
      ahead.append(buffer(ahead.count, writer))
      bytes += ahead[ahead.count - 1].readableBytes
    }
    let start = NIODeadline.now() + .milliseconds(10)
    state.withLock { state in
      state.planned = count
      state.started = Int64(start.uptimeNanoseconds)
      state.records.reserveCapacity(count)
      if count == 0 { state.isOver = true }
    }
    return (ahead, start)
  }

  private func buffer(_ index: Int, _ writer: PromptWriter) -> ByteBuffer {
    let request = requests[index]
    return ByteBuffer(
      bytes: body.streamed(writer.prompt(request.prompt), maxTokens: request.outputTokens))
  }

  private func schedule(
    at times: [Double], from start: NIODeadline, _ ahead: [ByteBuffer], _ writer: PromptWriter
  ) async {
    for (index, time) in times.enumerated() {
      while state.withLock({ $0.pendingBytes > Self.bytesAhead && !$0.isStopped }) {
        try? await Task.sleep(for: .milliseconds(5))
      }
      let body = index < ahead.count ? ahead[index] : buffer(index, writer)
      let isStopped = state.withLock { state in
        state.pendingBytes += body.readableBytes
        return state.isStopped
      }
      if isStopped { return }
      let due = start + .nanoseconds(Int64(time * 1e9))
      client.group.next().scheduleTask(deadline: due) { [self] in
        arrive(index, body, due: Int64(due.uptimeNanoseconds))
      }
    }
  }

  /// A request is due.
  private func arrive(_ index: Int, _ body: ByteBuffer, due: Int64) {
    let isSent = state.withLock { state in
      guard !state.isStopped else { return false }
      state.greatestDelay = max(state.greatestDelay, monotonicTime() - due)
      guard state.active < options.maxConcurrency else {
        state.waiting.append((index, body))
        return false
      }
      state.active += 1
      state.mostAtOnce = max(state.mostAtOnce, state.active)
      return true
    }
    if isSent { send(index, body) }
  }

  private func send(_ index: Int, _ body: ByteBuffer) {
    let record = RequestRecord(
      index: index, sent: monotonicTime(), inputTokens: requests[index].inputTokens ?? 0)
    let exchange = LoadExchange(record) { [self] in finished($0) }
    state.withLock { state in
      state.pendingBytes -= body.readableBytes
      state.inFlight[index] = exchange
    }
    let request = client.request("POST", self.body.endpoint.path, body)
    exchange.isSent(giveUp: client.transport.send(request, to: exchange))
    if state.withLock({ $0.isStopped }) { exchange.abandon() }
  }

  private func finished(_ record: RequestRecord) {
    var next: (index: Int, body: ByteBuffer)?
    var hasMissed = false
    let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
      state.inFlight[record.index] = nil
      guard !state.isStopped else { return nil }
      state.records.append(record)
      if record.failure != nil { state.failed += 1 }
      if !options.objective.isMet(by: record) { state.misses += 1 }
      hasMissed = state.misses > options.allowedMisses
      next = state.nextWaitingRequest()
      guard state.records.count == state.planned else { return nil }
      state.isOver = true
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
    if hasMissed {
      stop()
    } else if let next {
      // Through the loop, so that a server that refuses all does not make a deep stack.
      client.group.any().execute { [self] in send(next.index, next.body) }
    }
  }

  private func tick(_ progress: @Sendable (Progress) -> Void) {
    let (exchanges, now) = state.withLock { state in
      let now = Progress(
        finished: state.records.count, failed: state.failed, inFlight: state.inFlight.count)
      return (Array(state.inFlight.values), now)
    }
    progress(now)
    let time = monotonicTime()
    for exchange in exchanges { exchange.checkStall(at: time, timeout: client.timeout) }
  }

  private func ending() async {
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        if !state.isOver { state.waiter = continuation }
        return state.isOver
      }
      if isOver { continuation.resume() }
    }
  }

  /// Gives up what is under way and sends no more.
  private func stop() {
    var waiter: CheckedContinuation<Void, Never>?
    let exchanges = state.withLock { state -> [LoadExchange] in
      guard !state.isOver else { return [] }
      state.isStopped = true
      state.isOver = true
      state.abandoned = state.inFlight.count
      swap(&waiter, &state.waiter)
      return Array(state.inFlight.values)
    }
    for exchange in exchanges { exchange.abandon() }
    waiter?.resume()
  }
}
