import ApusCore
import ApusDecoding
import ApusModels
import ApusScheduling

/// A prompt to continue.
public struct GenerationRequest: Sendable {
  public var prompt: [TokenID]
  public var sampling = SamplingParameters()
  /// nil means until the context is full.
  public var maxTokens: Int?
  /// Tokens of the answer before which no stop token is chosen.
  public var minTokens = 0
  /// Tokens that end the answer.
  public var stopTokens: Set<TokenID> = []
  /// How many alternatives to report for each token; nil means no log-probabilities.
  public var logprobs: Int?
  /// The same for the prompt's own tokens.
  public var promptLogprobs: Int?
  /// Makes one vector of the prompt's last hidden states; with a `maxTokens` of 0 nothing is generated.
  public var pooling: Pooling?
  /// What is kept and read of its keys and values; nil means what the engine was started with.
  public var kvMethods: KVMethods?
  /// What a draft model answers, where the KV policy looks ahead.
  var lookahead: [TokenID] = []
  /// Whose request it is and how it shares the machine.
  public var scheduling = SequenceAttributes()
  /// So long after its arrival the request must be done, or it ends with an error.
  public var deadline: Duration?

  public init(prompt: [TokenID]) { self.prompt = prompt }
}

/// What a request's stream tells, in order.
public enum GenerationEvent: Sendable {
  /// A part of the prompt has been read.
  case progress(PromptProgress)
  /// For each prompt token but the first, its log-probabilities; once, when the prompt has been read.
  case promptLogprobs([TokenLogprobs])
  /// The prompt's pooled hidden states, not normalised; once, when the prompt has been read.
  case embedding([Float])
  case token(GeneratedToken)
  case finished(FinishReason, GenerationTimings)
}

public struct PromptProgress: Sendable, Equatable {
  public let total: Int
  public let cached: Int
  public let processed: Int
  public let elapsed: Duration
}

public struct GeneratedToken: Sendable, Equatable {
  public let id: TokenID
  public let logprobs: TokenLogprobs?
  /// Approximate methods that have taken part so far.
  public let methods: [String]
}

public enum FinishReason: String, Sendable {
  /// A stop token was chosen.
  case stop
  /// The limit on tokens or the end of the context was reached.
  case length
}

/// Where the time of a request went.
public struct GenerationTimings: Sendable, Equatable {
  public var promptTokens = 0
  public var cachedTokens = 0
  public var generatedTokens = 0
  /// From arrival to the first step.
  public var queued = Duration.zero
  /// From the first step to the first token.
  public var prefill = Duration.zero
  /// From the first token to the last.
  public var decode = Duration.zero
  public var preemptions = 0
  /// Approximate methods that took part; without any, the answer is what the model alone gives.
  public var methods: [String] = []
  public var kv = KVReport()

  public init() {}
}

public typealias TokenStream = AsyncThrowingStream<GenerationEvent, any Error>
