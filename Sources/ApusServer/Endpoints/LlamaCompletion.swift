import Apus
import HTTPTypes
import Hummingbird

/// Continues texts, in llama-server's form.
struct LlamaCompletion: Endpoint {
  let method = HTTPRequest.Method.post
  let paths = ["/completion"]

  func respond(to call: Call, using services: Services) async throws -> Response {
    let model = try services.model()
    let size = model.engine.modelConfiguration.shape.vocabularySize
    let fields = FieldReader(call.body)
    for name in ["n_probs", "logprobs", "echo", "prompt_logprobs"]
    where fields.has(name) && fields.value(name) != 0 && fields.value(name) != false {
      throw fields.unsupported(name, "is not supported here; use /v1/completions")
    }
    let request = try CompletionRequest(call.body, vocabularySize: size, maxTokens: nil)
    let prompts = try await model.tokens(
      of: request.prompts, addSpecialTokens: request.addSpecialTokens)
    let requests = prompts.flatMap {
      request.options.requests(prompt: $0, logprobs: nil, promptLogprobs: nil)
    }
    return try await Answer(
      requests: requests, options: request.options,
      format: LlamaFormat(model: services.modelName(model))
    ).respond(to: call, model: model, services: services)
  }
}
