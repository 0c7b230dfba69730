import Apus
import ApusCore

/// Answers a conversation, in the form of OpenAI's Responses.
struct Responses: GeneratingEndpoint {
  let paths = ["/v1/responses", "/responses"]

  func answer(
    to body: JSONObject, model: LanguageModel, name: String, settings: MessageSettings
  ) async throws -> Answer {
    let size = model.engine.modelConfiguration.shape.vocabularySize
    let request = try ResponsesRequest(body, vocabularySize: size)
    return try await Answer(request.prompt, request.options, model: model, settings: settings) {
      parser, _ in
      ResponsesFormat(request, parser: parser, tokenizer: model.tokenizer, name: name)
    }
  }
}
