import Apus
import ApusCore
import ApusDecoding
import ApusEngine
import ApusText

/// OpenAI's Responses: one answer, as a list of items.
struct ResponsesFormat: AnswerFormat {
  static let terminator: String? = nil
  static let namesEvents = true

  private let identity: AnswerIdentity
  private let echoed: JSONObject
  private let parser: MessageParser
  private let tokenizer: Tokenizer
  private var stream: MessageParser
  private var output = ResponseOutput()
  /// Events so far.
  private var sequence: Int64 = 0

  init(_ request: ResponsesRequest, parser: MessageParser, tokenizer: Tokenizer, name: String) {
    identity = AnswerIdentity(prefix: "resp_", model: name)
    echoed = request.echoed
    self.parser = parser
    self.tokenizer = tokenizer
    stream = parser
  }

  mutating func opening(_ choice: Int) -> [JSONValue] {
    let response = JSONValue.object(response("in_progress", output: []))
    return numbered([
      JSONObject([("type", "response.created"), ("response", response)]),
      JSONObject([("type", "response.in_progress"), ("response", response)]),
    ])
  }

  func promptScores(_ choice: Int, _ scores: [TokenLogprobs]) -> JSONValue? { nil }

  mutating func delta(_ choice: Int, text: String, tokens: [GeneratedToken]) -> [JSONValue] {
    numbered(stream.append(text).flatMap { output.add($0) })
  }

  mutating func finish(
    _ choice: Int, _ finish: TextFinish, summary: AnswerSummary?
  ) -> [JSONValue] {
    var events = stream.finish().flatMap { output.add($0) }
    let status = Self.status(finish)
    events += output.close(status)
    let response = complete(output, status, summary)
    events.append(
      JSONObject([("type", .string("response." + status)), ("response", .object(response))]))
    return numbered(events)
  }

  func progress(_ choice: Int, _ progress: JSONValue) -> JSONValue? { nil }

  func usage(_ summary: AnswerSummary) -> JSONValue? { nil }

  func whole(_ choices: [ChoiceResult], summary: AnswerSummary) -> JSONValue {
    let choice = choices.first
    var parser = parser
    var output = ResponseOutput()
    for part in parser.parts(choice?.text ?? "") { _ = output.add(part) }
    let status = Self.status(choice?.finish)
    _ = output.close(status)
    return .object(complete(output, status, summary))
  }

  mutating func failure(_ error: APIError) -> JSONValue {
    var response = response("failed", output: output.items)
    response["error"] = ["code": .string(error.type), "message": .string(error.message)]
    let event = JSONObject([("type", "response.failed"), ("response", .object(response))])
    return numbered([event])[0]
  }

  private static func status(_ finish: TextFinish?) -> String {
    finish?.reason == .stop ? "completed" : "incomplete"
  }

  private mutating func numbered(_ events: [JSONObject]) -> [JSONValue] {
    events.map { event in
      var event = event
      event["sequence_number"] = .integer(sequence)
      sequence += 1
      return .object(event)
    }
  }

  private func complete(
    _ output: ResponseOutput, _ status: String, _ summary: AnswerSummary?
  ) -> JSONObject {
    var object = response(status, output: output.items)
    if status == "incomplete" {
      object["incomplete_details"] = ["reason": "max_output_tokens"]
    }
    guard let summary else { return object }
    let reasoning = tokenizer.encode(output.reasoning, addSpecialTokens: false).count
    object["usage"] = [
      "input_tokens": .integer(Int64(summary.promptTokens)),
      "input_tokens_details": ["cached_tokens": .integer(Int64(summary.cachedTokens))],
      "output_tokens": .integer(Int64(summary.generatedTokens)),
      "output_tokens_details": [
        "reasoning_tokens": .integer(Int64(min(reasoning, summary.generatedTokens)))
      ],
      "total_tokens": .integer(Int64(summary.promptTokens + summary.generatedTokens)),
    ]
    summary.add(to: &object, usage: false)
    return object
  }

  private func response(_ status: String, output: [JSONValue]) -> JSONObject {
    var object = JSONObject([
      ("id", .string(identity.id)), ("object", "response"),
      ("created_at", .integer(identity.created)), ("status", .string(status)),
      ("background", false), ("error", .null), ("incomplete_details", .null),
      ("model", .string(identity.model)), ("output", .array(output)),
      ("previous_response_id", .null), ("store", false), ("truncation", "disabled"),
      ("usage", .null),
    ])
    for (name, value) in echoed.entries { object[name] = value }
    return object
  }
}
