import Apus
import ApusCore
import HTTPTypes
import Hummingbird

/// Answers a conversation.
struct ChatCompletions: Endpoint {
  let method = HTTPRequest.Method.post
  let paths = ["/v1/chat/completions", "/chat/completions"]

  func respond(to call: Call, using services: Services) async throws -> Response {
    let model = try services.model()
    let size = model.engine.modelConfiguration.shape.vocabularySize
    let request = try ChatRequest(call.body, vocabularySize: size)
    let prompt = try await model.tokens(of: request.prompt)
    let options = request.options
    let answer = Answer(
      requests: options.requests(
        prompt: prompt, logprobs: request.logprobs, promptLogprobs: options.promptLogprobs),
      options: options,
      format: ChatFormat(request, model: model, name: services.modelName(model)))
    return try await answer.respond(to: call, model: model, services: services)
  }
}

extension LanguageModel {
  /// Renders a conversation and turns it into tokens.
  func tokens(of prompt: ChatPrompt) async throws -> [TokenID] {
    try await HeavyWork.run(byteCount: prompt.byteCount) {
      self.tokens(ofRenderedPrompt: try prompt.render(self))
    }
  }
}
