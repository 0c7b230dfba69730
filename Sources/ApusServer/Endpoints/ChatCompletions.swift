import Apus
import ApusCore

/// Answers a conversation.
struct ChatCompletions: GeneratingEndpoint {
  let paths = ["/v1/chat/completions", "/chat/completions"]

  func answer(to body: JSONObject, model: LanguageModel, name: String) async throws -> Answer {
    let size = model.engine.modelConfiguration.shape.vocabularySize
    let request = try ChatRequest(body, vocabularySize: size)
    let prompt = try await model.tokens(of: request.prompt)
    let options = request.options
    return Answer(
      requests: options.requests(
        prompt: prompt, logprobs: request.logprobs, promptLogprobs: options.promptLogprobs),
      options: options, format: ChatFormat(request, model: model, name: name))
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
