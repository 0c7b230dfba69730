import Apus
import ApusCore
import ApusDecoding
import ApusEngine
import ApusText

/// OpenAI's older completions, as evaluation harnesses use them.
struct CompletionFormat: AnswerFormat {
  static let terminator: String? = "[DONE]"

  /// A prompt that is to be repeated before its answers.
  struct Echo: Sendable {
    let text: String
    let tokens: [TokenID]
  }

  private let identity: AnswerIdentity
  private let texts: TokenText
  private let request: CompletionRequest
  /// One for each choice; empty without echo.
  private let echoes: [Echo]
  private var streamUsage: StreamUsage
  /// Characters written so far, by choice.
  private var offsets: [Int: Int] = [:]

  /// - Parameter promptTokens: of each choice.
  init(
    _ request: CompletionRequest, echoes: [Echo], promptTokens: [Int], model: LanguageModel,
    name: String
  ) {
    identity = AnswerIdentity(prefix: "cmpl-", model: name)
    texts = TokenText(tokenizer: model.tokenizer)
    self.request = request
    self.echoes = echoes
    streamUsage = StreamUsage(request.options, promptTokens: promptTokens)
  }

  private var logprobs: Bool { request.logprobs != nil }

  mutating func opening(_ choice: Int) -> [JSONValue] {
    guard echoes.indices.contains(choice), !logprobs else { return [] }
    return [chunk(choice, text: echoes[choice].text)]
  }

  mutating func promptScores(_ choice: Int, _ scores: [TokenLogprobs]) -> JSONValue? {
    guard echoes.indices.contains(choice), logprobs else { return nil }
    let logprobs = echoScores(choice, scores).json
    return chunk(choice, text: echoes[choice].text, logprobs: logprobs)
  }

  mutating func delta(_ choice: Int, text: String, tokens: [GeneratedToken]) -> [JSONValue] {
    streamUsage.count(tokens.count, choice)
    guard logprobs else { return [chunk(choice, text: text)] }
    var table = LogprobTable()
    add(tokens, choice, to: &table)
    return [chunk(choice, text: text, logprobs: table.json)]
  }

  mutating func finish(
    _ choice: Int, _ finish: TextFinish, summary: AnswerSummary?
  ) -> [JSONValue] {
    streamUsage.end(finish, choice)
    var object = identity.fields(object: "text_completion")
    object["choices"] = [
      choiceJSON(choice, text: "", reason: finish, logprobs: .null)
    ]
    streamUsage.add(to: &object, choice)
    summary?.add(to: &object, usage: false)
    return [.object(object)]
  }

  func progress(_ choice: Int, _ progress: JSONValue) -> JSONValue? {
    guard case .object(var object) = chunk(choice, text: "") else { return progress }
    object["prompt_progress"] = progress
    return .object(object)
  }

  func usage(_ summary: AnswerSummary) -> JSONValue? {
    guard streamUsage.isIncluded else { return nil }
    var object = identity.fields(object: "text_completion")
    object["choices"] = []
    summary.add(to: &object, usage: true)
    return .object(object)
  }

  mutating func whole(_ choices: [ChoiceResult], summary: AnswerSummary) -> JSONValue {
    var object = identity.fields(object: "text_completion")
    var list: [JSONValue] = []
    for choice in choices {
      var text = choice.text
      var table = LogprobTable()
      if echoes.indices.contains(choice.index) {
        text = echoes[choice.index].text + text
        if logprobs { table = echoScores(choice.index, choice.promptScores) }
      }
      if logprobs { add(choice.tokens, choice.index, to: &table) }
      var value = choiceJSON(
        choice.index, text: text, reason: choice.finish, logprobs: logprobs ? table.json : .null)
      if let count = request.options.promptLogprobs, case .object(var object) = value {
        object["prompt_logprobs"] = texts.promptLogprobs(choice.promptScores, count: count)
        value = .object(object)
      }
      list.append(value)
    }
    object["choices"] = .array(list)
    summary.add(to: &object, usage: true)
    return .object(object)
  }

  private func chunk(_ choice: Int, text: String, logprobs: JSONValue = .null) -> JSONValue {
    var object = identity.fields(object: "text_completion")
    object["choices"] = [choiceJSON(choice, text: text, reason: nil, logprobs: logprobs)]
    streamUsage.add(to: &object, choice)
    return .object(object)
  }

  private func choiceJSON(
    _ choice: Int, text: String, reason: TextFinish?, logprobs: JSONValue
  ) -> JSONValue {
    [
      "index": .integer(Int64(choice)), "text": .string(text), "logprobs": logprobs,
      "finish_reason": reason.map { .string($0.reason.rawValue) } ?? .null,
    ]
  }

  /// The table of the prompt's tokens; the first has no log-probability.
  private mutating func echoScores(_ choice: Int, _ scores: [TokenLogprobs]) -> LogprobTable {
    var table = LogprobTable()
    let tokens = echoes[choice].tokens
    for (index, token) in tokens.enumerated() {
      let score = index > 0 && index <= scores.count ? scores[index - 1] : nil
      append(token, score, choice, to: &table)
    }
    return table
  }

  private mutating func add(
    _ tokens: [GeneratedToken], _ choice: Int, to table: inout LogprobTable
  ) {
    for token in tokens { append(token.id, token.logprobs, choice, to: &table) }
  }

  private mutating func append(
    _ token: TokenID, _ score: TokenLogprobs?, _ choice: Int, to table: inout LogprobTable
  ) {
    let offset = offsets[choice, default: 0]
    table.append(
      token, score, offset: offset, alternatives: request.logprobs ?? 0, texts: texts)
    offsets[choice] = offset + texts.characterCount(token)
  }
}

/// `{"tokens", "token_logprobs", "top_logprobs", "text_offset"}`
private struct LogprobTable {
  private var tokens: [JSONValue] = []
  private var logprobs: [JSONValue] = []
  private var top: [JSONValue] = []
  private var offsets: [JSONValue] = []

  mutating func append(
    _ token: TokenID, _ score: TokenLogprobs?, offset: Int, alternatives: Int, texts: TokenText
  ) {
    tokens.append(.string(texts.text(token)))
    offsets.append(.integer(Int64(offset)))
    guard let score else {
      logprobs.append(.null)
      top.append(.null)
      return
    }
    logprobs.append(score.chosen.json)
    var object = JSONObject()
    // Different tokens may read the same; the more likely one stays.
    for entry in score.best(alternatives) where object[texts.text(entry.token)] == nil {
      object[texts.text(entry.token)] = entry.json
    }
    top.append(.object(object))
  }

  var json: JSONValue {
    [
      "tokens": .array(tokens), "token_logprobs": .array(logprobs), "top_logprobs": .array(top),
      "text_offset": .array(offsets),
    ]
  }
}
