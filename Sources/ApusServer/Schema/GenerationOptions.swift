import Apus
import ApusCore
import ApusEngine
import ApusScheduling

/// What chat and plain completions have in common.
struct GenerationOptions: Sendable {
  static let maxChoices = 128

  var sampling: SamplingParameters
  /// nil means until the context is full.
  var maxTokens: Int?
  var minTokens: Int
  var stopStrings: [String]
  var stopTokens: Set<TokenID>
  var ignoreEndOfText: Bool
  var skipSpecialTokens: Bool
  /// Choices for each prompt.
  var choiceCount: Int
  var promptLogprobs: Int?
  /// nil means what the server was started with.
  var kvMethods: KVMethods?
  var scheduling: SequenceAttributes
  var deadline: Duration?
  var stream: Bool
  var includeUsage: Bool
  /// With the tokens so far in each chunk.
  var continuousUsage: Bool
  var returnProgress: Bool

  init(_ fields: FieldReader, vocabularySize: Int, maxTokens defaultMaxTokens: Int?) throws {
    try UnsupportedFields.check(fields)
    try Self.checkNeutral(fields)
    sampling = try fields.sampling(vocabularySize: vocabularySize)
    // As in llama-server, -1 means no limit.
    let limits = try ["max_completion_tokens", "max_tokens", "n_predict"].compactMap {
      try fields.int($0, in: -1...Int(Int32.max))
    }
    maxTokens = (limits.first ?? defaultMaxTokens).flatMap { $0 < 0 ? nil : $0 }
    minTokens = try fields.int("min_tokens", in: 0...Int(Int32.max)) ?? 0
    if let maxTokens, minTokens > maxTokens {
      throw fields.invalid("min_tokens", "must not be larger than max_tokens (\(maxTokens))")
    }
    stopStrings = try Self.stopStrings(fields)
    stopTokens = Set(
      try (fields.array("stop_token_ids") ?? []).map {
        TokenID(try fields.int($0, "stop_token_ids", in: 0...vocabularySize - 1, element: true))
      })
    ignoreEndOfText = try fields.bool("ignore_eos") ?? false
    skipSpecialTokens = try fields.bool("skip_special_tokens") ?? true
    choiceCount = try fields.int("n", in: 1...Self.maxChoices) ?? 1
    if let best = try fields.int("best_of", in: 1...Int(Int32.max)), best != choiceCount {
      throw fields.unsupported("best_of", "other than n is not supported")
    }
    promptLogprobs = try fields.int("prompt_logprobs", in: 0...20)
    kvMethods = try fields.kvMethods()
    scheduling = try fields.scheduling()
    deadline = try fields.deadline()
    stream = try fields.bool("stream") ?? false
    returnProgress = try fields.bool("return_progress") ?? false
    includeUsage = false
    continuousUsage = false
    if let options = try fields.object("stream_options") {
      guard stream else { throw fields.invalid("stream_options", "needs 'stream': true") }
      let nested = FieldReader(options, prefix: "stream_options.")
      includeUsage = try nested.bool("include_usage") ?? false
      continuousUsage = try nested.bool("continuous_usage_stats") ?? false
      if try nested.bool("include_obfuscation") == true {
        throw nested.unsupported("include_obfuscation")
      }
    }
    if stream, promptLogprobs != nil {
      throw fields.invalid("prompt_logprobs", "cannot be streamed")
    }
  }

  /// Fields that are checked but do not change the answer.
  private static func checkNeutral(_ fields: FieldReader) throws {
    for name in neutralTexts { _ = try fields.string(name) }
    _ = try fields.object("metadata")
    // What an answer will probably be only makes it sooner where it is used.
    for name in ["prediction", "prompt_cache_options"] { _ = try fields.object(name) }
  }

  private static let neutralTexts = [
    "model", "request_id", "safety_identifier", "service_tier", "prompt_cache_key",
    "prompt_cache_retention", "speed",
  ]

  private static func stopStrings(_ fields: FieldReader) throws -> [String] {
    let stops: [String]
    switch fields.value("stop") {
    case nil: return []
    case .string(let text): stops = [text]
    case .array(let elements):
      stops = try elements.map {
        guard let text = $0.stringValue else {
          throw fields.invalid("stop", "must hold strings, not \($0.kind)")
        }
        return text
      }
    case .some(let value): throw fields.mismatch("stop", "a string or an array of strings", value)
    }
    guard stops.count <= 16 else {
      throw fields.invalid("stop", "must hold at most 16 strings, not \(stops.count)")
    }
    guard !stops.contains("") else { throw fields.invalid("stop", "must not hold an empty string") }
    return stops
  }

  /// The requests for one prompt, one for each choice; with a seed, each choice has the next one.
  func requests(prompt: [TokenID], logprobs: Int?, promptLogprobs: Int?) -> [TextRequest] {
    (0..<choiceCount).map { choice in
      var request = TextRequest(prompt: prompt)
      request.generation.sampling = sampling
      request.generation.sampling.seed = sampling.seed.map { $0 &+ UInt64(choice) }
      request.generation.maxTokens = maxTokens
      request.generation.minTokens = minTokens
      request.generation.stopTokens = stopTokens
      request.generation.logprobs = logprobs
      request.generation.promptLogprobs = promptLogprobs
      request.generation.kvMethods = kvMethods
      request.generation.scheduling = scheduling
      request.generation.deadline = deadline
      request.stopStrings = stopStrings
      request.skipSpecialTokens = skipSpecialTokens
      request.ignoreEndOfText = ignoreEndOfText
      return request
    }
  }
}
