import Apus
import ApusCore

/// Continues texts, in OpenAI's older form.
struct Completions: GeneratingEndpoint {
  let paths = ["/v1/completions", "/completions"]

  func answer(
    to body: JSONObject, model: LanguageModel, name: String, settings: MessageSettings
  ) async throws -> Answer {
    let size = model.engine.modelConfiguration.shape.vocabularySize
    let request = try CompletionRequest(body, vocabularySize: size)
    let options = request.options
    // Scores of the prompt are needed to tell them, or to repeat the prompt with them.
    let echoed = request.echo ? request.logprobs : nil
    let scores = [options.promptLogprobs, echoed].compactMap { $0 }.max()
    let prompts = try await model.tokens(of: request)
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
      format: CompletionFormat(
        request, echoes: echoes, promptTokens: requests.map(\.generation.prompt.count),
        model: model, name: name))
  }
}

extension LanguageModel {
  /// The tokens of each prompt, with what follows the answer if the request says it.
  fileprivate func tokens(of request: CompletionRequest) async throws -> [[TokenID]] {
    guard let suffix = request.suffix else {
      return try await tokens(of: request.prompts, addSpecialTokens: request.addSpecialTokens)
    }
    let bytes = request.prompts.reduce(0) { $0 + $1.byteCount + suffix.utf8.count }
    return try await HeavyWork.run(byteCount: bytes) {
      try request.prompts.map {
        try InfillPrompt(prefix: $0.text(self), suffix: suffix).tokens(
          self.tokenizer, field: "suffix")
      }
    }
  }

  /// The tokens of each prompt.
  func tokens(of prompts: [PromptInput], addSpecialTokens: Bool) async throws -> [[TokenID]] {
    let bytes = prompts.reduce(0) { $0 + $1.byteCount }
    return try await HeavyWork.run(byteCount: bytes) {
      prompts.map { $0.tokens(self, addSpecialTokens: addSpecialTokens) }
    }
  }
}
