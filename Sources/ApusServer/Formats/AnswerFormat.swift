import Apus
import ApusCore
import ApusDecoding
import ApusEngine
import Foundation

/// How answers are written as JSON, whole and in pieces; one for each interface that clients know.
///
/// A choice is one continuation of one prompt; choices are numbered through.
protocol AnswerFormat: Sendable {
  /// Sent on a stream after the last object; nil for nothing.
  static var terminator: String? { get }
  /// Whether events on a stream are named, by their objects' `type`.
  static var namesEvents: Bool { get }

  /// The pieces that open a choice's stream.
  mutating func opening(_ choice: Int) -> [JSONValue]
  /// A piece for the prompt's own log-probabilities; nil if they are not told.
  mutating func promptScores(_ choice: Int, _ scores: [TokenLogprobs]) -> JSONValue?
  mutating func delta(_ choice: Int, text: String, tokens: [GeneratedToken]) -> [JSONValue]
  mutating func finish(_ choice: Int, _ finish: TextFinish, summary: AnswerSummary?) -> [JSONValue]
  /// A piece that tells how much of the prompt has been read.
  func progress(_ choice: Int, _ progress: JSONValue) -> JSONValue?
  /// The piece with the usage after all choices; nil if the format has none.
  func usage(_ summary: AnswerSummary) -> JSONValue?
  /// The whole answer of a request that is not streamed.
  mutating func whole(_ choices: [ChoiceResult], summary: AnswerSummary) -> JSONValue
  /// What tells of an error on a stream.
  mutating func failure(_ error: APIError) -> JSONValue
}

extension AnswerFormat {
  static var namesEvents: Bool { false }

  func failure(_ error: APIError) -> JSONValue { error.body }
}

/// What all objects of one answer carry.
struct AnswerIdentity: Sendable {
  let id: String
  let created = Int64(Date().timeIntervalSince1970)
  let model: String

  init(prefix: String, model: String) {
    id = prefix + RequestID.make()
    self.model = model
  }

  /// The fields before the choices.
  func fields(object: String) -> JSONObject {
    JSONObject([
      ("id", .string(id)), ("object", .string(object)), ("created", .integer(created)),
      ("model", .string(model)), ("system_fingerprint", .string("apus-" + apusVersion)),
    ])
  }
}

/// A choice that is complete.
struct ChoiceResult: Sendable {
  let index: Int
  var text = ""
  var tokens: [GeneratedToken] = []
  var promptScores: [TokenLogprobs] = []
  var finish: TextFinish?

  init(index: Int) { self.index = index }

  /// Takes the next event of the choice's stream.
  mutating func add(_ event: TextEvent) {
    switch event {
    case .progress: break
    case .promptLogprobs(let scores): promptScores = scores
    case .delta(let text, let tokens):
      self.text += text
      self.tokens += tokens
    case .finished(let finish): self.finish = finish
    }
  }
}

/// Counts and times over all choices of an answer.
struct AnswerSummary: Sendable {
  private(set) var promptTokens = 0
  private(set) var cachedTokens = 0
  private(set) var generatedTokens = 0
  private var prefill = Duration.zero
  private var decode = Duration.zero
  private var methods: [String] = []
  private let kv: KVReport

  /// `choicesPerPrompt` choices each share a prompt, which is counted once.
  init(_ finishes: [TextFinish], choicesPerPrompt: Int) {
    kv = KVReport(finishes.map(\.timings.kv))
    for (index, timings) in finishes.map(\.timings).enumerated() {
      if index % choicesPerPrompt == 0 {
        promptTokens += timings.promptTokens
        cachedTokens += timings.cachedTokens
      }
      generatedTokens += timings.generatedTokens
      prefill = max(prefill, timings.prefill)
      decode = max(decode, timings.decode)
      methods += timings.methods.filter { !methods.contains($0) }
    }
  }

  /// OpenAI's `usage`.
  var usage: JSONValue {
    var usage = Self.usage(promptTokens: promptTokens, generatedTokens: generatedTokens)
    usage["prompt_tokens_details"] = ["cached_tokens": .integer(Int64(cachedTokens))]
    return .object(usage)
  }

  /// The fields of `usage` that count tokens.
  static func usage(promptTokens: Int, generatedTokens: Int) -> JSONObject {
    JSONObject([
      ("prompt_tokens", .integer(Int64(promptTokens))),
      ("completion_tokens", .integer(Int64(generatedTokens))),
      ("total_tokens", .integer(Int64(promptTokens + generatedTokens))),
    ])
  }

  /// The `timings` of llama-server; choices run side by side, so their longest time counts.
  var timings: JSONValue {
    let read = promptTokens - cachedTokens
    return [
      "cache_n": .integer(Int64(cachedTokens)),
      "prompt_n": .integer(Int64(read)),
      "prompt_ms": .number(prefill.milliseconds),
      "prompt_per_token_ms": .number(prefill.milliseconds / Double(max(read, 1))),
      "prompt_per_second": .number(Self.rate(read, prefill)),
      "predicted_n": .integer(Int64(generatedTokens)),
      "predicted_ms": .number(decode.milliseconds),
      "predicted_per_token_ms": .number(decode.milliseconds / Double(max(generatedTokens, 1))),
      "predicted_per_second": .number(Self.rate(generatedTokens, decode)),
      "draft_n": 0,
      "draft_n_accepted": 0,
    ]
  }

  /// Whether the answer is what the model alone would give, which methods made it otherwise, and what these left of
  /// keys and values.
  var extensions: JSONValue {
    var object = JSONObject([
      ("exact", .bool(methods.isEmpty)), ("methods", .array(methods.map { .string($0) })),
    ])
    // An answer that ended at a stop string does not know what it took.
    if !methods.isEmpty, kv.keptTokens > 0 { object["kv"] = kv.json }
    return .object(object)
  }

  /// Adds what every complete answer tells.
  func add(to object: inout JSONObject, usage withUsage: Bool) {
    if withUsage { object["usage"] = usage }
    object["timings"] = timings
    object["apus"] = extensions
  }

  private static func rate(_ count: Int, _ time: Duration) -> Double {
    time > .zero ? Double(count) * 1000 / time.milliseconds : 0
  }
}

extension Duration {
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }

  var milliseconds: Double { seconds * 1000 }
}
