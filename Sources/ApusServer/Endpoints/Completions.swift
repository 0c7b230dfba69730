import Apus
import ApusCore

/// Continues texts, in OpenAI's older form.
struct Completions: GeneratingEndpoint {
  let paths = ["/v1/completions", "/completions"]

  func answer(to body: JSONObject, model: LanguageModel, name: String) async throws -> Answer {
    let size = model.engine.modelConfiguration.shape.vocabularySize
    let request = try CompletionRequest(body, vocabularySize: size)
    let options = request.options
    // Scores of the prompt are needed to tell them, or to repeat the prompt with them.
    let echoed = request.echo ? request.logprobs : nil
    let scores = [options.promptLogprobs, echoed].compactMap { $0 }.max()
    let prompts = try await model.tokens(
      of: request.prompts, addSpecialTokens: request.addSpecialTokens)
    let requests = prompts.flatMap {
      options.requests(prompt: $0, logprobs: request.logprobs, promptLogprobs: scores)
    }
    var echoes: [CompletionFormat.Echo] = []
    if request.echo {
      echoes = zip(request.prompts, prompts).flatMap { input, tokens in
        let echo = CompletionFormat.Echo(text: input.text(model), tokens: tokens)
        return Array(repeating: echo, count: options.choiceCount)
      }
    }
    return Answer(
      requests: requests, options: options,
      format: CompletionFormat(request, echoes: echoes, model: model, name: name))
  }
}

extension LanguageModel {
  /// The tokens of each prompt.
  func tokens(of prompts: [PromptInput], addSpecialTokens: Bool) async throws -> [[TokenID]] {
    let bytes = prompts.reduce(0) { $0 + $1.byteCount }
    return try await HeavyWork.run(byteCount: bytes) {
      prompts.map { $0.tokens(self, addSpecialTokens: addSpecialTokens) }
    }
  }
}
