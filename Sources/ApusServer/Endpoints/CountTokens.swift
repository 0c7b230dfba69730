import ApusCore
import HTTPTypes
import Hummingbird

/// How many tokens a conversation in Anthropic's form has.
struct CountTokens: Endpoint {
  let method = HTTPRequest.Method.post
  let paths = ["/v1/messages/count_tokens"]

  func respond(to call: Call, using services: Services) async throws -> Response {
    let model = try services.model()
    let size = model.engine.modelConfiguration.shape.vocabularySize
    let request = try MessagesRequest(call.body, vocabularySize: size, needsLimit: false)
    let tokens = try await model.prepare(request.prompt, services.configuration.messages).tokens
    return .json(["input_tokens": .integer(Int64(tokens.count))])
  }

  func body(of error: APIError) -> JSONValue { MessagesFormat.body(of: error) }
}
