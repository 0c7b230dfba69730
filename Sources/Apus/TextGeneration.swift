import ApusCore
import ApusDecoding
import ApusEngine
import ApusText

/// What a text stream tells, in order.
public enum TextEvent: Sendable {
  case progress(PromptProgress)
  case promptLogprobs([TokenLogprobs])
  /// More text, and the tokens since the last one; the text may lag behind the tokens by an unfinished character or
  /// the possible start of a stop string.
  case delta(text: String, tokens: [GeneratedToken])
  case finished(TextFinish)
}

/// How an answer ended.
public struct TextFinish: Sendable {
  public let reason: FinishReason
  /// The stop string that ended the answer.
  public let stopString: String?
  public let timings: GenerationTimings

  package init(reason: FinishReason, stopString: String?, timings: GenerationTimings) {
    self.reason = reason
    self.stopString = stopString
    self.timings = timings
  }
}

extension LanguageModel {
  /// Continues a text; the stream ends with `.finished` or throws `EngineError`.
  ///
  /// Dropping the stream cancels the request.
  public func generate(_ request: TextRequest) -> TextStream {
    var generation = request.generation
    if !request.ignoreEndOfText { generation.stopTokens.formUnion(tokenizer.endOfGeneration) }
    let tokens = engine.generate(generation)
    return TextStream { [tokenizer, generation] continuation in
      let task = Task {
        do {
          var decoder = TextDecoder(request, generation: generation, tokenizer: tokenizer)
          for try await event in tokens {
            let (events, done) = decoder.handle(event)
            for event in events { continuation.yield(event) }
            if done { break }
          }
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
      continuation.onTermination = { _ in task.cancel() }
    }
  }
}

/// Turns the tokens of one request into text, up to the first stop string.
private struct TextDecoder {
  private var detokenizer: StreamingDetokenizer
  private var stops: StopStrings
  private let stopTokens: Set<TokenID>
  private let stopStrings: [String]
  private var count = 0
  private let started = ContinuousClock.now
  private var firstToken: ContinuousClock.Instant?
  private let promptCount: Int
  /// Approximate methods that have taken part so far.
  private var methods: [String] = []

  init(_ request: TextRequest, generation: GenerationRequest, tokenizer: Tokenizer) {
    detokenizer = StreamingDetokenizer(
      tokenizer, skipSpecialTokens: request.skipSpecialTokens, keeping: request.keptSpecialTokens)
    stops = StopStrings(request.stopStrings)
    stopStrings = request.stopStrings
    stopTokens = generation.stopTokens
    promptCount = generation.prompt.count
  }

  /// The text events of a token event, and whether the answer is complete.
  mutating func handle(_ event: GenerationEvent) -> ([TextEvent], Bool) {
    switch event {
    case .progress(let progress): return ([.progress(progress)], false)
    case .embedding: return ([], false)
    case .promptLogprobs(let logprobs): return ([.promptLogprobs(logprobs)], false)
    case .token(let token):
      count += 1
      methods = token.methods
      if firstToken == nil { firstToken = .now }
      if stopTokens.contains(token.id) { return ([.delta(text: "", tokens: [token])], false) }
      let (text, stopped) = stops.append(detokenizer.append(token.id))
      let delta = TextEvent.delta(text: text, tokens: [token])
      guard stopped else { return ([delta], false) }
      let finish = TextFinish(reason: .stop, stopString: stops.matched, timings: timings())
      return ([delta, .finished(finish)], true)
    case .finished(let reason, let timings):
      var (text, stopped) = stops.append(detokenizer.finish())
      if !stopped { text += stops.finish() }
      let finish = TextFinish(
        reason: stopped ? .stop : reason, stopString: stopped ? stops.matched : nil,
        timings: timings)
      let last: [TextEvent] = text.isEmpty ? [] : [.delta(text: text, tokens: [])]
      return (last + [.finished(finish)], true)
    }
  }

  /// What the engine would have said, had it known of the stop string.
  private func timings() -> GenerationTimings {
    let now = ContinuousClock.now
    var timings = GenerationTimings()
    timings.promptTokens = promptCount
    timings.generatedTokens = count
    timings.methods = methods
    timings.prefill = (firstToken ?? now) - started
    timings.decode = now - (firstToken ?? now)
    return timings
  }
}
