import Apus
import ApusCore

/// Continues texts, in llama-server's form.
struct LlamaCompletion: GeneratingEndpoint {
  let paths = ["/completion"]

  func answer(to body: JSONObject, model: LanguageModel, name: String) async throws -> Answer {
    let size = model.engine.modelConfiguration.shape.vocabularySize
    let fields = FieldReader(body)
    for name in ["n_probs", "logprobs", "echo", "prompt_logprobs"]
    where fields.has(name) && fields.value(name) != 0 && fields.value(name) != false {
      throw fields.unsupported(name, "is not supported here; use /v1/completions")
    }
    let request = try CompletionRequest(body, vocabularySize: size, maxTokens: nil)
    let prompts = try await model.tokens(
      of: request.prompts, addSpecialTokens: request.addSpecialTokens)
    let requests = prompts.flatMap {
      request.options.requests(prompt: $0, logprobs: nil, promptLogprobs: nil)
    }
    return Answer(
      requests: requests, options: request.options, format: LlamaFormat(model: name))
  }
}
