import ApusCore
import HTTPTypes
import Hummingbird

/// The text of tokens, under llama-server's name (`content`) and vLLM's (`prompt`).
struct Detokenize: Endpoint {
  let method = HTTPRequest.Method.post
  let paths = ["/detokenize", "/v1/detokenize"]

  func respond(to call: Call, using services: Services) async throws -> Response {
    let model = try services.anyModel()
    let fields = FieldReader(call.body)
    guard let tokens = try fields.tokens("tokens") else {
      throw fields.invalid("tokens", "is missing")
    }
    let size = model.checkpoint.configuration.shape.vocabularySize
    if let token = tokens.first(where: { Int($0) >= size }) {
      throw fields.invalid("tokens", "holds \(token), outside of the vocabulary of \(size)")
    }
    let text = try await HeavyWork.run(byteCount: tokens.count * 4) {
      model.tokenizer.decode(tokens)
    }
    return .json(["content": .string(text), "prompt": .string(text)])
  }
}
