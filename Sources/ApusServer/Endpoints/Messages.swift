import Apus
import ApusCore

/// Answers a conversation, in Anthropic's form.
struct Messages: GeneratingEndpoint {
  let paths = ["/v1/messages"]

  func answer(
    to body: JSONObject, model: LanguageModel, name: String, settings: MessageSettings
  ) async throws -> Answer {
    let size = model.engine.modelConfiguration.shape.vocabularySize
    let request = try MessagesRequest(body, vocabularySize: size)
    return try await Answer(request.prompt, request.options, model: model, settings: settings) {
      parser, promptTokens in
      MessagesFormat(request, parser: parser, promptTokens: promptTokens, name: name)
    }
  }

  func body(of error: APIError) -> JSONValue { MessagesFormat.body(of: error) }
}
