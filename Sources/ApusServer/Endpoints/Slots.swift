import ApusCore
import Hummingbird

/// The requests that are going on, in llama-server's form.
struct Slots: Endpoint {
  let paths = ["/slots"]

  func respond(to call: Call, using services: Services) async throws -> Response {
    let model = try services.anyModel()
    let slots = services.requests.entries.map { entry -> JSONValue in
      [
        "id": .integer(Int64(clamping: entry.id)),
        "n_ctx": .integer(Int64(model.contextLength)), "is_processing": true,
        "n_prompt_tokens": .integer(Int64(entry.promptTokens)),
        "n_prompt_tokens_processed": .integer(Int64(entry.processed)),
        "n_decoded": .integer(Int64(entry.generated)),
      ]
    }
    return .json(.array(slots))
  }
}
