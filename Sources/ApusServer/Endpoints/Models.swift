import Apus
import ApusCore
import Hummingbird

/// The loaded model, as a list and by its name.
struct Models: Endpoint {
  let paths = ["/v1/models", "/models", "/v1/models/*"]

  func respond(to call: Call, using services: Services) async throws -> Response {
    let model = try services.anyModel()
    let name = services.modelName(model)
    let entry = entry(model, name, created: services.started)
    let prefix = "/v1/models/"
    guard call.path.hasPrefix(prefix) else {
      return .json(["object": "list", "data": [entry]])
    }
    let wanted = String(call.path.dropFirst(prefix.count))
    guard wanted == name || wanted.removingPercentEncoding == name else {
      throw RequestError.notFound("there is no model '\(wanted)'; the model here is '\(name)'")
    }
    return .json(entry)
  }

  private func entry(_ model: any EmbeddingModel, _ name: String, created: Int) -> JSONValue {
    let shape = model.checkpoint.configuration.shape
    return [
      "id": .string(name), "object": "model", "created": .integer(Int64(created)),
      "owned_by": "apus", "max_model_len": .integer(Int64(model.contextLength)),
      "meta": [
        "n_ctx_train": .integer(Int64(shape.contextLength)),
        "n_vocab": .integer(Int64(shape.vocabularySize)),
      ],
    ]
  }
}
