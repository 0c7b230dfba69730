import Apus
import ApusCore
import ApusDecoding
import ApusEngine
import ApusText

/// OpenAI's chat completions.
struct ChatFormat: AnswerFormat {
  static let terminator: String? = "[DONE]"

  private let identity: AnswerIdentity
  private let texts: TokenText
  private let logprobs: Bool
  private let promptLogprobs: Int?
  private let includeUsage: Bool
  /// Tokens that end an answer and are no part of it.
  private let endTokens: Set<TokenID>

  init(_ request: ChatRequest, model: LanguageModel, name: String) {
    identity = AnswerIdentity(prefix: "chatcmpl-", model: name)
    texts = TokenText(tokenizer: model.tokenizer)
    logprobs = request.logprobs != nil
    promptLogprobs = request.options.promptLogprobs
    includeUsage = request.options.includeUsage
    let stops = request.options.stopTokens
    endTokens =
      request.options.ignoreEndOfText ? stops : stops.union(model.tokenizer.endOfGeneration)
  }

  func opening(_ choice: Int) -> [JSONValue] {
    [chunk(choice, delta: ["role": "assistant", "content": ""])]
  }

  func promptScores(_ choice: Int, _ scores: [TokenLogprobs]) -> JSONValue? { nil }

  func delta(_ choice: Int, text: String, tokens: [GeneratedToken]) -> JSONValue {
    chunk(choice, delta: ["content": .string(text)], logprobs: scores(tokens))
  }

  func finish(_ choice: Int, _ finish: TextFinish, summary: AnswerSummary?) -> JSONValue {
    let value = chunk(choice, delta: [:], reason: .string(finish.reason.rawValue))
    guard let summary, case .object(var object) = value else { return value }
    summary.add(to: &object, usage: false)
    return .object(object)
  }

  func progress(_ choice: Int, _ progress: JSONValue) -> JSONValue {
    guard case .object(var object) = chunk(choice, delta: [:]) else { return progress }
    object["prompt_progress"] = progress
    return .object(object)
  }

  func usage(_ summary: AnswerSummary) -> JSONValue? {
    guard includeUsage else { return nil }
    var object = identity.fields(object: "chat.completion.chunk")
    object["choices"] = []
    summary.add(to: &object, usage: true)
    return .object(object)
  }

  func whole(_ choices: [ChoiceResult], summary: AnswerSummary) -> JSONValue {
    var object = identity.fields(object: "chat.completion")
    object["choices"] = .array(
      choices.map { choice in
        [
          "index": .integer(Int64(choice.index)),
          "message": [
            "role": "assistant", "content": .string(choice.text), "refusal": nil,
          ],
          "logprobs": scores(choice.tokens),
          "finish_reason": choice.finish.map { .string($0.reason.rawValue) } ?? .null,
        ]
      })
    summary.add(to: &object, usage: true)
    if let promptLogprobs {
      object["prompt_logprobs"] = texts.promptLogprobs(
        choices.first?.promptScores ?? [], count: promptLogprobs)
    }
    return .object(object)
  }

  private func chunk(
    _ choice: Int, delta: JSONValue, logprobs: JSONValue = .null, reason: JSONValue = .null
  ) -> JSONValue {
    var object = identity.fields(object: "chat.completion.chunk")
    object["choices"] = [
      [
        "index": .integer(Int64(choice)), "delta": delta, "logprobs": logprobs,
        "finish_reason": reason,
      ]
    ]
    if includeUsage { object["usage"] = .null }
    return .object(object)
  }

  private func scores(_ tokens: [GeneratedToken]) -> JSONValue {
    guard logprobs else { return .null }
    let scored = tokens.filter { !endTokens.contains($0.id) }.compactMap(\.logprobs)
    return [
      "content": .array(
        scored.map { score in
          guard case .object(var object) = entry(score.chosen) else { return .null }
          object["top_logprobs"] = .array(score.top.map(entry))
          return .object(object)
        }),
      "refusal": nil,
    ]
  }

  private func entry(_ entry: TokenLogprobs.Entry) -> JSONValue {
    [
      "token": .string(String(decoding: texts.tokenizer.bytes(of: entry.token), as: UTF8.self)),
      "logprob": entry.json, "bytes": texts.bytes(entry.token),
    ]
  }
}
