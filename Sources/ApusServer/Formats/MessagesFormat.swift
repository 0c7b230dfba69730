import Apus
import ApusCore
import ApusDecoding
import ApusEngine
import ApusText

/// Anthropic's messages: one answer, as blocks of content.
struct MessagesFormat: AnswerFormat {
  static let terminator: String? = nil
  static let namesEvents = true

  private let identity: AnswerIdentity
  private let parser: MessageParser
  private let promptTokens: Int
  private let stops: [String]
  private var stream: MessageParser
  private var blocks = MessageBlocks()

  init(_ request: MessagesRequest, parser: MessageParser, promptTokens: Int, name: String) {
    identity = AnswerIdentity(prefix: "msg_", model: name)
    self.parser = parser
    self.promptTokens = promptTokens
    stops = request.options.stopStrings
    stream = parser
  }

  func opening(_ choice: Int) -> [JSONValue] {
    var message = message([], stopReason: .null, stopSequence: .null)
    message["usage"] = [
      "input_tokens": .integer(Int64(promptTokens)), "cache_creation_input_tokens": 0,
      "cache_read_input_tokens": 0, "output_tokens": 0,
    ]
    return [["type": "message_start", "message": .object(message)]]
  }

  func promptScores(_ choice: Int, _ scores: [TokenLogprobs]) -> JSONValue? { nil }

  mutating func delta(_ choice: Int, text: String, tokens: [GeneratedToken]) -> [JSONValue] {
    stream.append(text).flatMap { blocks.add($0) }
  }

  mutating func finish(
    _ choice: Int, _ finish: TextFinish, summary: AnswerSummary?
  ) -> [JSONValue] {
    var events = stream.finish().flatMap { blocks.add($0) } + blocks.close()
    let (reason, sequence) = stop(finish, hasCalls: blocks.hasCalls)
    var last = JSONObject([
      ("type", "message_delta"), ("delta", ["stop_reason": reason, "stop_sequence": sequence]),
    ])
    if let summary {
      last["usage"] = Self.usage(summary)
      summary.add(to: &last, usage: false)
    }
    events.append(.object(last))
    return events + [["type": "message_stop"]]
  }

  func progress(_ choice: Int, _ progress: JSONValue) -> JSONValue? { nil }

  func usage(_ summary: AnswerSummary) -> JSONValue? { nil }

  func whole(_ choices: [ChoiceResult], summary: AnswerSummary) -> JSONValue {
    let choice = choices.first
    var parser = parser
    var blocks = MessageBlocks()
    for part in parser.parts(choice?.text ?? "") { _ = blocks.add(part) }
    _ = blocks.close()
    let (reason, sequence) = stop(choice?.finish, hasCalls: blocks.hasCalls)
    var object = message(blocks.finished, stopReason: reason, stopSequence: sequence)
    object["usage"] = Self.usage(summary)
    summary.add(to: &object, usage: false)
    return .object(object)
  }

  func failure(_ error: APIError) -> JSONValue { Self.body(of: error) }

  private func message(
    _ content: [JSONValue], stopReason: JSONValue, stopSequence: JSONValue
  ) -> JSONObject {
    JSONObject([
      ("id", .string(identity.id)), ("type", "message"), ("role", "assistant"),
      ("model", .string(identity.model)), ("content", .array(content)),
      ("stop_reason", stopReason), ("stop_sequence", stopSequence),
    ])
  }

  private func stop(_ finish: TextFinish?, hasCalls: Bool) -> (JSONValue, JSONValue) {
    guard let finish else { return (.null, .null) }
    if let text = finish.stopString, stops.contains(text) {
      return ("stop_sequence", .string(text))
    }
    switch finish.reason {
    case .length: return ("max_tokens", .null)
    case .stop: return (hasCalls ? "tool_use" : "end_turn", .null)
    }
  }

  /// Here, the prompt's tokens are those that were not in the cache.
  private static func usage(_ summary: AnswerSummary) -> JSONValue {
    [
      "input_tokens": .integer(Int64(summary.promptTokens - summary.cachedTokens)),
      "cache_creation_input_tokens": 0,
      "cache_read_input_tokens": .integer(Int64(summary.cachedTokens)),
      "output_tokens": .integer(Int64(summary.generatedTokens)),
    ]
  }

  /// `{"type": "error", "error": {"type", "message"}}` with Anthropic's types.
  static func body(of error: APIError) -> JSONValue {
    let type =
      switch error.status.code {
      case 400, 405: "invalid_request_error"
      case 413: "request_too_large"
      case 429: "rate_limit_error"
      case 500: "api_error"
      case 503: "overloaded_error"
      default: error.type
      }
    return [
      "type": "error", "error": ["type": .string(type), "message": .string(error.message)],
    ]
  }
}

/// Makes blocks of content, and the events that tell them, from the parts of a message.
struct MessageBlocks: Sendable {
  private enum Kind: String { case text, thinking }

  private(set) var finished: [JSONValue] = []
  private(set) var hasCalls = false
  private var open: (kind: Kind, text: String)?

  mutating func add(_ part: MessagePart) -> [JSONValue] {
    switch part {
    case .content(let text): return add(text, .text)
    case .reasoning(let text): return add(text, .thinking)
    case .toolCall(let call): return close() + add(call)
    }
  }

  private mutating func add(_ text: String, _ kind: Kind) -> [JSONValue] {
    var events: [JSONValue] = []
    if open?.kind != kind {
      events = close()
      open = (kind, "")
      events.append(event("content_block_start", ("content_block", Self.block(kind, ""))))
    }
    open?.text += text
    let delta: JSONValue = [
      "type": .string(kind.rawValue + "_delta"), kind.rawValue: .string(text),
    ]
    return events + [event("content_block_delta", ("delta", delta))]
  }

  private mutating func add(_ call: ToolCall) -> [JSONValue] {
    hasCalls = true
    var block = JSONObject([
      ("type", "tool_use"), ("id", .string(call.id)), ("name", .string(call.name)),
      ("input", .object(JSONObject())),
    ])
    let delta: JSONValue = [
      "type": "input_json_delta", "partial_json": .string(call.arguments),
    ]
    let events = [
      event("content_block_start", ("content_block", .object(block))),
      event("content_block_delta", ("delta", delta)), event("content_block_stop"),
    ]
    block["input"] = Self.input(call.arguments)
    finished.append(.object(block))
    return events
  }

  /// The input must be an object; arguments of a forced call that are none are told under a name of their own.
  private static func input(_ arguments: String) -> JSONValue {
    guard let value = try? JSONValue(parsing: arguments), case .object = value else {
      return ["_invalid_json": .string(arguments)]
    }
    return value
  }

  /// Ends the block that is open.
  mutating func close() -> [JSONValue] {
    guard let open else { return [] }
    let stop = event("content_block_stop")
    finished.append(Self.block(open.kind, open.text))
    self.open = nil
    return [stop]
  }

  private static func block(_ kind: Kind, _ text: String) -> JSONValue {
    var object = JSONObject([
      ("type", .string(kind.rawValue)), (kind.rawValue, .string(text)),
    ])
    if kind == .thinking { object["signature"] = "" }
    return .object(object)
  }

  private func event(_ type: String, _ field: (key: String, value: JSONValue)? = nil) -> JSONValue {
    var object = JSONObject([
      ("type", .string(type)), ("index", .integer(Int64(finished.count))),
    ])
    if let field { object[field.key] = field.value }
    return .object(object)
  }
}
