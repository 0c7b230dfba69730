import Apus
import ApusCore

/// The body of `/v1/chat/completions`.
struct ChatRequest: Sendable {
  let prompt: ChatPrompt
  let options: GenerationOptions
  /// Alternatives to report for each token; nil means no log-probabilities.
  let logprobs: Int?

  init(_ body: JSONObject, vocabularySize: Int) throws {
    let fields = FieldReader(body)
    prompt = try ChatPrompt(fields)
    options = try GenerationOptions(fields, vocabularySize: vocabularySize, maxTokens: nil)
    if options.maxTokens == 0 {
      let name = fields.has("max_completion_tokens") ? "max_completion_tokens" : "max_tokens"
      throw fields.invalid(name, "must be at least 1")
    }
    let wanted = try fields.bool("logprobs") ?? false
    let count = try fields.int("top_logprobs", in: 0...20)
    if let count, count > 0, !wanted {
      throw fields.invalid("top_logprobs", "needs 'logprobs': true")
    }
    logprobs = wanted ? count ?? 0 : nil
    if try fields.bool("echo") == true { throw fields.unsupported("echo") }
    if fields.value("verbosity").map({ $0 != "medium" }) == true {
      throw fields.unsupported("verbosity", "can be 'medium' only")
    }
  }
}
