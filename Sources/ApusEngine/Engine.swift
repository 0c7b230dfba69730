import ApusAttention
import ApusCompute
import ApusCore
import ApusKV
import ApusModels
import ApusScheduling
import Foundation
import Synchronization

/// A loaded model that continues prompts; many requests at once run in one batch.
///
/// One thread of its own owns all state; requests are posted to it and answered through their streams.
public final class Engine: Sendable {
  public let modelConfiguration: ModelConfiguration
  /// Tokens of prompt and answer together.
  public let contextLength: Int
  public let instructionSet: String
  /// Bytes reserved for keys and values.
  public let kvByteCount: Int
  /// Running and waiting requests together.
  private let maxUnfinished: Int?
  private let maxBatchedTokens: Int
  private let kvMethods: KVMethods
  private let draft: DraftAnswer?
  /// What it was started with.
  package let configuration: EngineConfiguration
  private let steps = StepLog()
  private let mailbox = Mailbox<Message>()
  private let state = Mutex(SharedState())

  private struct SharedState {
    var statistics = EngineStatistics()
    var nextID: SequenceID = 1
    var unfinished = 0
    var stopping = false
  }

  private enum Message: Sendable {
    case add(SequenceID, GenerationRequest, TokenStream.Continuation, ContinuousClock.Instant)
    case cancel(SequenceID)
    case transferred(Swapper.Result)
    case stop
    case synchronize(@Sendable () -> Void)
  }

  /// Loads the weights and starts the engine thread; throws `EngineError`, `CheckpointError` or `CatalogError`.
  ///
  /// `progress` is called with layers loaded and layers in all, `warning` with a line about what was wrong but did not
  /// matter.
  public init(
    _ checkpoint: Checkpoint, configuration: EngineConfiguration = EngineConfiguration(),
    progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in },
    warning: @escaping @Sendable (String) -> Void = { _ in }
  ) throws {
    let model = checkpoint.configuration
    // Before the weights are loaded.
    let policy = try SchedulingPolicies.make(configuration.schedulingPolicy)
    let plan = try EnginePlan(
      configuration, model: model,
      weightByteCount: checkpoint.weightByteCount(quantized: configuration.quantization),
      availableMemory: EnginePlan.availableMemory())
    let pool = WorkerPool(threadCount: configuration.threadCount ?? WorkerPool.defaultThreadCount)
    let compute = try Compute(
      pool: pool, instructionSet: configuration.instructionSet, precision: configuration.precision)
    let shape = model.shape
    try Self.validate(configuration.kvMethods, for: shape)
    let roles = try configuration.headRoles.map {
      try HeadRoleTable(json: $0, layerCount: shape.layerCount, headCount: shape.kvHeadCount)
    }
    let architecture = try ModelArchitectures.load(
      checkpoint, roles: roles, contextLength: plan.contextLength,
      loader: WeightLoader(
        for: checkpoint, precision: configuration.precision,
        quantization: configuration.quantization, packCache: configuration.packCache, pool: pool,
        progress: progress, warning: warning))
    let padding =
      configuration.prefillBatching == .padded
      ? Padding(
        firstPage: plan.blockCount, parts: configuration.maxSequences,
        tokens: configuration.maxBatchedTokens) : nil
    let store = KVStore(
      geometry: plan.geometry, blockCount: plan.blockCount + (padding?.pageCount ?? 0))
    let runner = ModelRunner(
      model: architecture, configuration: model, compute: compute, store: store,
      maxBatchedTokens: configuration.maxBatchedTokens,
      maxSequences: configuration.maxSequences,
      sharesReads: configuration.sharedPrefixAttention, padding: padding,
      endsSentence: configuration.endsSentence)
    func stepCost() -> StepCost? {
      guard let folder = configuration.measurementCache else { return runner.stepCost() }
      return StepCostCache(
        folder: folder, checkpoint: checkpoint, configuration: configuration, compute: compute
      ).cost(measuring: runner.stepCost)
    }
    let scheduler = Scheduler(
      SchedulerConfiguration(
        configuration, plan: plan, policy: policy,
        cost: configuration.limitsStepTime ? stepCost() : nil))
    modelConfiguration = model
    self.configuration = configuration
    contextLength = plan.contextLength
    instructionSet = compute.instructionSet
    kvByteCount = plan.blockCount * plan.geometry.blockByteCount
    maxBatchedTokens = configuration.maxBatchedTokens
    kvMethods = configuration.kvMethods
    draft = configuration.draft
    maxUnfinished = configuration.maxWaiting.map { $0 + configuration.maxSequences }
    let swapper =
      plan.swapSlotCount > 0
      ? Swapper(
        try SwapSpace(
          arena: store.arena, slotCount: plan.swapSlotCount,
          directory: configuration.swapDirectory),
        onEnd: { [mailbox] in mailbox.post(.transferred($0)) }) : nil
    start(
      CoreTransfer(
        core: EngineCore(
          scheduler: scheduler, runner: runner, swapper: swapper,
          reserve: configuration.reservesMemory ? MemoryReserve(store.arena) : nil,
          contextLength: plan.contextLength, methods: plan.methods,
          kvMethods: configuration.kvMethods, steps: steps)))
  }

  /// A snapshot taken after the last step.
  public var statistics: EngineStatistics { state.withLock { $0.statistics } }

  /// The last steps with tokens, the oldest first.
  public var recentSteps: [StepRecord] { steps.records }

  /// Starts a request; its stream ends with `.finished`, or throws `EngineError`.
  ///
  /// Ending the stream's task cancels the request before the next step.
  public func generate(_ request: GenerationRequest) -> TokenStream {
    let arrived = ContinuousClock.now
    let (stream, continuation) = TokenStream.makeStream()
    do {
      let id = try admit(request)
      let lookahead = (request.kvMethods ?? kvMethods).lookahead(
        for: kvShape, promptCount: request.prompt.count)
      guard let lookahead, let draft else {
        continuation.onTermination = { [self] in ended(id, $0) }
        mailbox.post(.add(id, request, continuation, arrived))
        return stream
      }
      let gate = Mutex(false)  // the stream has ended
      let drafting = Task {
        var request = request
        do {
          request.lookahead = try await draft(request.prompt, lookahead.tokens)
          gate.withLock { if !$0 { mailbox.post(.add(id, request, continuation, arrived)) } }
        } catch { continuation.finish(throwing: error) }
      }
      continuation.onTermination = { [self] reason in
        drafting.cancel()
        gate.withLock { $0 = true }
        ended(id, reason)
      }
    } catch {
      continuation.finish(throwing: error)
    }
    return stream
  }

  private func ended(_ id: SequenceID, _ reason: TokenStream.Continuation.Termination) {
    state.withLock { $0.unfinished -= 1 }
    if case .cancelled = reason { mailbox.post(.cancel(id)) }
  }

  private var kvShape: KVShape { KVShape(modelConfiguration.shape) }

  private static func validate(_ methods: KVMethods, for shape: ModelShape) throws {
    do { try methods.policy?.validate(for: KVShape(shape)) } catch let error as KVPolicyError {
      throw EngineError.kvPolicy(error)
    }
  }

  /// Throws what `generate` would answer at once.
  public func validate(_ request: GenerationRequest) throws {
    guard !request.prompt.isEmpty else { throw EngineError.emptyPrompt }
    // The answer needs room for one token, unless only the prompt is scored.
    let room = request.maxTokens == 0 ? 0 : 1
    let methods = request.kvMethods ?? kvMethods
    if request.kvMethods != nil { try Self.validate(methods, for: modelConfiguration.shape) }
    let resident = methods.residentLimit(
      for: kvShape, promptCount: request.prompt.count, maxBatchedTokens: maxBatchedTokens)
    guard request.prompt.count + room <= contextLength || resident ?? .max <= contextLength else {
      throw EngineError.promptTooLong(tokens: request.prompt.count, contextLength: contextLength)
    }
    if let (tokens, draft) = methods.lookahead(for: kvShape, promptCount: request.prompt.count) {
      guard self.draft != nil else { throw EngineError.noDraft(draft) }
      guard request.prompt.count + max(tokens, room) <= contextLength else {
        throw EngineError.promptTooLong(tokens: request.prompt.count, contextLength: contextLength)
      }
    }
    let size = modelConfiguration.shape.vocabularySize
    if let token = request.prompt.first(where: { $0 < 0 || Int($0) >= size }) {
      throw EngineError.invalidToken(token, vocabularySize: size)
    }
  }

  private func admit(_ request: GenerationRequest) throws -> SequenceID {
    try validate(request)
    return try state.withLock { state in
      guard !state.stopping else { throw EngineError.shuttingDown }
      if let maxUnfinished, state.unfinished >= maxUnfinished {
        throw EngineError.overloaded(waiting: state.statistics.waiting)
      }
      state.unfinished += 1
      defer { state.nextID += 1 }
      return state.nextID
    }
  }

  /// Refuses new requests and waits until the running ones are done, or until `deadline`; then ends the rest.
  public func shutdown(deadline: Duration = .seconds(30)) async {
    state.withLock { $0.stopping = true }
    let end = ContinuousClock.now + deadline
    while state.withLock({ $0.unfinished }) > 0, ContinuousClock.now < end {
      try? await Task.sleep(for: .milliseconds(20))
    }
    mailbox.post(.stop)
  }

  /// Returns once every message posted before has been handled.
  package func synchronize() async { await onEngineThread {} }

  /// Calls `body` on the engine thread, between two steps, and returns when it is done.
  package func onEngineThread(_ body: @escaping @Sendable () -> Void) async {
    await withCheckedContinuation { continuation in
      mailbox.post(
        .synchronize {
          body()
          continuation.resume()
        })
    }
  }

  deinit { mailbox.post(.stop) }
}

extension Engine {
  private func start(_ transfer: CoreTransfer) {
    let thread = Thread { [mailbox, weak self] in
      WorkerPool.nameThread("apus.engine")
      Engine.loop(transfer.core, mailbox) { statistics in
        self?.state.withLock { $0.statistics = statistics }
      }
    }
    thread.stackSize = 8 << 20
    thread.start()
  }

  private static func loop(
    _ core: EngineCore, _ mailbox: Mailbox<Message>, publish: (EngineStatistics) -> Void
  ) {
    publish(core.statistics)
    while true {
      if core.isIdle {
        core.prepare { mailbox.isEmpty }
        mailbox.wait()
      }
      var replies: [@Sendable () -> Void] = []
      for message in mailbox.drain() {
        switch message {
        case .add(let id, let request, let stream, let arrived):
          core.add(id, request, stream: stream, arrived: arrived)
        case .cancel(let id): core.cancel(id)
        case .transferred(let result): core.finish(result)
        case .synchronize(let reply): replies.append(reply)
        case .stop:
          core.cancelAll(EngineError.shuttingDown)
          return
        }
      }
      publish(core.statistics)
      for reply in replies { reply() }
      guard !core.isIdle else { continue }
      // Nothing can run yet: something is on its way, or requests wait for company.
      if !core.step() { mailbox.wait(limit: 0.01) }
      publish(core.statistics)
    }
  }
}

/// Carries the core to its thread.
///
/// Unchecked: it is made by `Engine.init`, which keeps no reference to it, and used by the engine thread alone.
private struct CoreTransfer: @unchecked Sendable {
  let core: EngineCore
}
