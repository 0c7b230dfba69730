import ApusCore
import Hummingbird

/// What llama-server tells of itself.
struct Props: Endpoint {
  let paths = ["/props"]

  func respond(to call: Call, using services: Services) async throws -> Response {
    let model = try services.anyModel()
    func piece(_ token: TokenID?) -> JSONValue {
      token.flatMap { model.tokenizer.piece($0) }.map { .string($0) } ?? .null
    }
    return .json([
      "default_generation_settings": [
        "n_ctx": .integer(Int64(model.contextLength)),
        "params": [
          "temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0, "typical_p": 1,
          "repeat_penalty": 1, "presence_penalty": 0, "frequency_penalty": 0, "seed": -1,
          "n_predict": -1, "stop": [], "ignore_eos": false, "stream": false,
        ],
      ],
      "model_alias": .string(services.modelName(model)),
      "model_path": .string(model.reference.description),
      "chat_template": model.tokenizer.chatTemplate.map { .string($0) } ?? .null,
      "bos_token": piece(model.tokenizer.bosToken),
      "eos_token": piece(model.tokenizer.eosToken),
      "modalities": ["vision": false, "audio": false],
      "build_info": .string("apus \(apusVersion) (\(model.instructionSet))"),
    ])
  }
}
