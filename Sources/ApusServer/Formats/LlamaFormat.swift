import Apus
import ApusCore
import ApusDecoding
import ApusEngine

/// llama-server's own `/completion`: one choice, told as `content`.
struct LlamaFormat: AnswerFormat {
  static let terminator: String? = nil

  private let model: String

  init(model: String) { self.model = model }

  func opening(_ choice: Int) -> [JSONValue] { [] }

  func promptScores(_ choice: Int, _ scores: [TokenLogprobs]) -> JSONValue? { nil }

  func delta(_ choice: Int, text: String, tokens: [GeneratedToken]) -> [JSONValue] {
    [
      [
        "index": .integer(Int64(choice)), "content": .string(text), "tokens": ids(tokens),
        "stop": false,
      ]
    ]
  }

  func finish(_ choice: Int, _ finish: TextFinish, summary: AnswerSummary?) -> [JSONValue] {
    [.object(ending(choice, text: "", tokens: [], finish, summary))]
  }

  func progress(_ choice: Int, _ progress: JSONValue) -> JSONValue? {
    [
      "index": .integer(Int64(choice)), "content": "", "tokens": [], "stop": false,
      "prompt_progress": progress,
    ]
  }

  func usage(_ summary: AnswerSummary) -> JSONValue? { nil }

  func whole(_ choices: [ChoiceResult], summary: AnswerSummary) -> JSONValue {
    let answers = choices.map { choice in
      JSONValue.object(
        ending(choice.index, text: choice.text, tokens: choice.tokens, choice.finish, summary))
    }
    return answers.count == 1 ? answers[0] : .array(answers)
  }

  private func ending(
    _ choice: Int, text: String, tokens: [GeneratedToken], _ finish: TextFinish?,
    _ summary: AnswerSummary?
  ) -> JSONObject {
    let timings = finish?.timings
    var object = JSONObject([
      ("index", .integer(Int64(choice))), ("content", .string(text)), ("tokens", ids(tokens)),
      ("stop", true), ("model", .string(model)),
      ("tokens_predicted", .integer(Int64(timings?.generatedTokens ?? 0))),
      ("tokens_evaluated", .integer(Int64(timings?.promptTokens ?? 0))),
      ("tokens_cached", .integer(Int64(timings?.cachedTokens ?? 0))),
      ("stop_type", .string(stopType(finish))),
      ("stopping_word", .string(finish?.stopString ?? "")), ("truncated", false),
    ])
    summary?.add(to: &object, usage: false)
    return object
  }

  private func stopType(_ finish: TextFinish?) -> String {
    switch finish?.reason {
    case .stop: finish?.stopString == nil ? "eos" : "word"
    case .length: "limit"
    case nil: "none"
    }
  }

  private func ids(_ tokens: [GeneratedToken]) -> JSONValue {
    .array(tokens.map { .integer(Int64($0.id)) })
  }
}
