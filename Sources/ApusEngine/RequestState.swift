import ApusCore
import ApusDecoding
import ApusModels

/// What the engine keeps of one request while it runs.
struct RequestState {
  let request: GenerationRequest
  let stream: TokenStream.Continuation
  let sampler: Sampler
  /// How its keys and values are kept and read; nil where all are.
  let kv: SequenceKV?
  /// Tokens of prompt and answer together.
  let limit: Int
  let arrived: ContinuousClock.Instant
  var started: ContinuousClock.Instant?
  var firstToken: ContinuousClock.Instant?
  var generated = 0
  /// Tokens of the prompt whose keys and values were there already.
  var cached = 0
  var promptLogprobs: [TokenLogprobs] = []
  /// The hidden states of the prompt so far, where a vector of them is wanted.
  var pool: HiddenPool?
  var preemptions = 0

  init(
    _ request: GenerationRequest, stream: TokenStream.Continuation, seed: UInt64,
    kv: SequenceKV?, limit: Int, arrived: ContinuousClock.Instant
  ) {
    self.request = request
    self.kv = kv
    self.limit = limit
    self.stream = stream
    self.arrived = arrived
    pool = request.pooling.map(HiddenPool.init)
    sampler = Sampler(request.sampling, seed: seed)
  }

  /// Takes the hidden state of a prompt's token; one that is read again after it had to make room counts once.
  mutating func pool(_ hidden: Span<Float>, position: Int) {
    guard position < request.prompt.count, pool?.count == position else { return }
    pool?.add(hidden)
  }

  /// The prompt's own tokens are scored and some are not scored yet.
  var scoresPrompt: Bool {
    request.promptLogprobs != nil && promptLogprobs.count < request.prompt.count - 1
  }

  /// Each of its rows has something to tell.
  var wantsAllLogits: Bool { scoresPrompt || kv?.needsSurprise ?? false }

  /// The prompt is not read for good yet.
  var isPreparing: Bool { kv?.isPreparing ?? false }

  /// Tokens that must not be chosen now.
  var forbidden: Set<TokenID> { generated < request.minTokens ? request.stopTokens : [] }

  func finish(after token: TokenID?) -> FinishReason? {
    if let token, request.stopTokens.contains(token) { return .stop }
    return request.prompt.count + generated >= limit ? .length : nil
  }

  /// Approximate methods that have taken part, those that every answer is made with first.
  func methods(beside all: [String]) -> [String] {
    guard let kv else { return all }
    return all + kv.methodNames
  }

  func timings(
    at now: ContinuousClock.Instant, methods: [String], kv report: KVReport
  ) -> GenerationTimings {
    var timings = GenerationTimings()
    timings.methods = self.methods(beside: methods)
    timings.kv = report
    timings.promptTokens = request.prompt.count
    timings.cachedTokens = cached
    timings.generatedTokens = generated
    timings.queued = (started ?? now) - arrived
    timings.prefill = (firstToken ?? now) - (started ?? now)
    timings.decode = now - (firstToken ?? now)
    timings.preemptions = preemptions
    return timings
  }
}
