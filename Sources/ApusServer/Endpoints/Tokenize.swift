import Apus
import ApusCore
import HTTPTypes
import Hummingbird

/// The tokens of a text: llama-server's `content`, or vLLM's `prompt` or `messages`.
struct Tokenize: Endpoint {
  let method = HTTPRequest.Method.post
  let paths = ["/tokenize", "/v1/tokenize"]

  func respond(to call: Call, using services: Services) async throws -> Response {
    let model = try services.anyModel()
    let fields = FieldReader(call.body)
    let withPieces = try fields.bool("with_pieces") ?? fields.bool("return_token_strs") ?? false
    let tokens = try await tokens(fields, model, services)
    let ids = tokens.map { JSONValue.integer(Int64($0)) }
    var object = JSONObject([
      ("count", .integer(Int64(tokens.count))),
      ("max_model_len", .integer(Int64(model.contextLength))), ("tokens", .array(ids)),
    ])
    if withPieces {
      object["tokens"] = .array(
        tokens.map { ["id": .integer(Int64($0)), "piece": piece($0, model)] })
    }
    return .json(.object(object))
  }

  private func tokens(
    _ fields: FieldReader, _ model: any EmbeddingModel, _ services: Services
  ) async throws -> [TokenID] {
    if fields.has("messages") {
      let settings = services.configuration.messages
      return try await services.model().prepare(ChatPrompt(fields), settings).tokens
    }
    let name = fields.has("prompt") ? "prompt" : "content"
    guard let text = try fields.string(name) else {
      throw fields.invalid("content", "is missing")
    }
    // Each of the two servers has its own default.
    let addSpecial =
      try fields.bool("add_special") ?? fields.bool("add_special_tokens") ?? (name == "prompt")
    let parseSpecial = try fields.bool("parse_special") ?? true
    return try await HeavyWork.run(byteCount: text.utf8.count) {
      model.tokenizer.encode(
        text, addSpecialTokens: addSpecial, parseSpecialTokens: parseSpecial)
    }
  }

  /// A token's text; its bytes where they are no whole UTF-8 text.
  private func piece(_ token: TokenID, _ model: any EmbeddingModel) -> JSONValue {
    let bytes = model.tokenizer.bytes(of: token)
    if let text = String(validating: bytes, as: UTF8.self) { return .string(text) }
    return .array(bytes.map { .integer(Int64($0)) })
  }
}
