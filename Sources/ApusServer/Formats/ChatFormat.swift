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
  private var streamUsage: StreamUsage
  /// Tokens that end an answer and are no part of it.
  private let endTokens: Set<TokenID>
  private let parser: MessageParser
  /// What of each choice's stream has not been told yet, and how many calls have.
  private var streams: [Int: (parser: MessageParser, calls: Int)] = [:]

  init(
    _ request: ChatRequest, promptTokens: Int, parser: MessageParser, model: LanguageModel,
    name: String
  ) {
    self.parser = parser
    identity = AnswerIdentity(prefix: "chatcmpl-", model: name)
    texts = TokenText(tokenizer: model.tokenizer)
    logprobs = request.logprobs != nil
    promptLogprobs = request.options.promptLogprobs
    streamUsage = StreamUsage(
      request.options,
      promptTokens: Array(repeating: promptTokens, count: request.options.choiceCount))
    let stops = request.options.stopTokens
    endTokens =
      request.options.ignoreEndOfText ? stops : stops.union(model.tokenizer.endOfGeneration)
  }

  func opening(_ choice: Int) -> [JSONValue] {
    [chunk(choice, delta: ["role": "assistant", "content": ""])]
  }

  func promptScores(_ choice: Int, _ scores: [TokenLogprobs]) -> JSONValue? { nil }

  mutating func delta(_ choice: Int, text: String, tokens: [GeneratedToken]) -> [JSONValue] {
    streamUsage.count(tokens.count, choice)
    var stream = streams[choice] ?? (parser, 0)
    let parts = stream.parser.append(text)
    defer { streams[choice] = stream }
    return chunks(choice, parts, calls: &stream.calls, logprobs: scores(tokens))
  }

  mutating func finish(
    _ choice: Int, _ finish: TextFinish, summary: AnswerSummary?
  ) -> [JSONValue] {
    streamUsage.end(finish, choice)
    var stream = streams[choice] ?? (parser, 0)
    streams[choice] = nil
    let rest = stream.parser.finish()
    let chunks = chunks(choice, rest, calls: &stream.calls, logprobs: .null)
    let last = chunk(choice, delta: [:], reason: reason(finish, calls: stream.calls))
    guard let summary, case .object(var object) = last else { return chunks + [last] }
    summary.add(to: &object, usage: false)
    return chunks + [.object(object)]
  }

  /// The chunks of some parts, the log-probabilities in the first; without parts, they have a chunk of their own.
  private func chunks(
    _ choice: Int, _ parts: [MessagePart], calls: inout Int, logprobs: JSONValue
  ) -> [JSONValue] {
    var deltas: [JSONValue] = []
    for part in parts {
      switch part {
      case .content(let text): deltas.append(["content": .string(text)])
      case .reasoning(let text): deltas.append(["reasoning_content": .string(text)])
      case .toolCall(let call):
        deltas += Self.deltas(call, index: calls)
        calls += 1
      }
    }
    if deltas.isEmpty, !logprobs.isNull { deltas = [["content": ""]] }
    return deltas.enumerated().map { index, delta in
      chunk(choice, delta: delta, logprobs: index == 0 ? logprobs : .null)
    }
  }

  /// The name of a call, then its arguments.
  private static func deltas(_ call: ToolCall, index: Int) -> [JSONValue] {
    var first = json(call, arguments: "")
    first["index"] = .integer(Int64(index))
    let rest: JSONValue = [
      "index": .integer(Int64(index)), "function": ["arguments": .string(call.arguments)],
    ]
    return [["tool_calls": [.object(first)]], ["tool_calls": [rest]]]
  }

  private static func json(_ call: ToolCall, arguments: String) -> JSONObject {
    JSONObject([
      ("id", .string(call.id)), ("type", "function"),
      ("function", ["name": .string(call.name), "arguments": .string(arguments)]),
    ])
  }

  private func reason(_ finish: TextFinish?, calls: Int) -> JSONValue {
    guard let finish else { return .null }
    return calls > 0 && finish.reason == .stop ? "tool_calls" : .string(finish.reason.rawValue)
  }

  func progress(_ choice: Int, _ progress: JSONValue) -> JSONValue? {
    guard case .object(var object) = chunk(choice, delta: [:]) else { return progress }
    object["prompt_progress"] = progress
    return .object(object)
  }

  func usage(_ summary: AnswerSummary) -> JSONValue? {
    guard streamUsage.isIncluded else { return nil }
    var object = identity.fields(object: "chat.completion.chunk")
    object["choices"] = []
    summary.add(to: &object, usage: true)
    return .object(object)
  }

  func whole(_ choices: [ChoiceResult], summary: AnswerSummary) -> JSONValue {
    var object = identity.fields(object: "chat.completion")
    object["choices"] = .array(
      choices.map { choice in
        let message = parser.message(choice.text)
        return [
          "index": .integer(Int64(choice.index)), "message": .object(json(message)),
          "logprobs": scores(choice.tokens),
          "finish_reason": reason(choice.finish, calls: message.toolCalls.count),
        ]
      })
    summary.add(to: &object, usage: true)
    if let promptLogprobs {
      object["prompt_logprobs"] = texts.promptLogprobs(
        choices.first?.promptScores ?? [], count: promptLogprobs)
    }
    return .object(object)
  }

  private func json(_ message: ParsedMessage) -> JSONObject {
    let isCall = message.content.isEmpty && !message.toolCalls.isEmpty
    var object = JSONObject([
      ("role", "assistant"), ("content", isCall ? .null : .string(message.content)),
      ("refusal", .null),
    ])
    if !message.reasoning.isEmpty { object["reasoning_content"] = .string(message.reasoning) }
    if !message.toolCalls.isEmpty {
      object["tool_calls"] = .array(
        message.toolCalls.map { .object(Self.json($0, arguments: $0.arguments)) })
    }
    return object
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
    streamUsage.add(to: &object, choice)
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
