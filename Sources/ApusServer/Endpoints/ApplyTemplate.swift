import HTTPTypes
import Hummingbird

/// The text that a conversation becomes, without an answer.
struct ApplyTemplate: Endpoint {
  let method = HTTPRequest.Method.post
  let paths = ["/apply-template"]

  func respond(to call: Call, using services: Services) async throws -> Response {
    let model = try services.model()
    let fields = FieldReader(call.body)
    try UnsupportedFields.check(fields)
    let prompt = try ChatPrompt(fields)
    let settings = services.configuration.messages
    let text = try await HeavyWork.run(byteCount: prompt.byteCount) {
      try prompt.prepare(model, settings).text
    }
    return .json(["prompt": .string(text)])
  }
}
