import Apus
import ApusCore
import ApusText

/// Answers a conversation.
struct ChatCompletions: GeneratingEndpoint {
  let paths = ["/v1/chat/completions", "/chat/completions"]

  func answer(
    to body: JSONObject, model: LanguageModel, name: String, settings: MessageSettings
  ) async throws -> Answer {
    let size = model.engine.modelConfiguration.shape.vocabularySize
    let request = try ChatRequest(body, vocabularySize: size)
    return try await Answer(
      request.prompt, request.options, logprobs: request.logprobs, model: model, settings: settings
    ) { parser, count in
      ChatFormat(request, promptTokens: count, parser: parser, model: model, name: name)
    }
  }
}

extension Answer {
  /// An answer to a conversation; `format` is made with what takes messages apart and the number of the prompt's
  /// tokens.
  init(
    _ prompt: ChatPrompt, _ options: GenerationOptions, logprobs: Int? = nil,
    model: LanguageModel, settings: MessageSettings,
    format: (MessageParser, Int) -> any AnswerFormat
  ) async throws {
    let (chat, tokens) = try await model.prepare(prompt, settings)
    let kept = chat.keptTokens(model)
    let requests = options.requests(
      prompt: tokens, logprobs: logprobs, promptLogprobs: options.promptLogprobs
    ).map { request in
      var request = request
      request.keptSpecialTokens = kept
      return request
    }
    self.init(
      requests: requests, options: options, format: format(chat.parser, tokens.count))
  }
}
