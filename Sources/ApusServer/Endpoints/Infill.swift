import Apus
import ApusCore

/// Writes what stands between two texts, in llama-server's form.
struct Infill: GeneratingEndpoint {
  let paths = ["/infill"]

  func answer(
    to body: JSONObject, model: LanguageModel, name: String, settings: MessageSettings
  ) async throws -> Answer {
    let size = model.engine.modelConfiguration.shape.vocabularySize
    let fields = FieldReader(body)
    try LlamaCompletion.checkScores(fields)
    let options = try GenerationOptions(fields, vocabularySize: size, maxTokens: nil)
    let prompt = try InfillPrompt(fields)
    let tokens = try await HeavyWork.run(byteCount: prompt.byteCount) {
      try prompt.tokens(model.tokenizer, field: "input_prefix")
    }
    return Answer(
      requests: options.requests(prompt: tokens, logprobs: nil, promptLogprobs: nil),
      options: options, format: LlamaFormat(model: name))
  }
}
