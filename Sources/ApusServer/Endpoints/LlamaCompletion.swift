import Apus
import ApusCore

/// Continues texts, in llama-server's form.
struct LlamaCompletion: GeneratingEndpoint {
  let paths = ["/completion"]

  func answer(
    to body: JSONObject, model: LanguageModel, name: String, settings: MessageSettings
  ) async throws -> Answer {
    let size = model.engine.modelConfiguration.shape.vocabularySize
    try Self.checkScores(FieldReader(body))
    let request = try CompletionRequest(body, vocabularySize: size, maxTokens: nil)
    let prompts = try await model.tokens(
      of: request.prompts, addSpecialTokens: request.addSpecialTokens)
    let requests = prompts.flatMap {
      request.options.requests(prompt: $0, logprobs: nil, promptLogprobs: nil)
    }
    return Answer(
      requests: requests, options: request.options, format: LlamaFormat(model: name))
  }

  /// Refuses the fields that ask for log-probabilities.
  static func checkScores(_ fields: FieldReader) throws {
    for name in ["n_probs", "logprobs", "echo", "prompt_logprobs", "suffix"]
    where fields.has(name) && ![0, false, ""].contains(fields.value(name)) {
      throw fields.unsupported(name, "is not supported here; use /v1/completions")
    }
  }
}
