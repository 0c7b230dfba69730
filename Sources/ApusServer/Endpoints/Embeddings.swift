import Apus
import ApusCore
import Foundation
import HTTPTypes
import Hummingbird

/// Vectors of texts, in OpenAI's form (`input`) or llama-server's (`content`).
struct Embeddings: Endpoint {
  let method = HTTPRequest.Method.post
  let paths = ["/v1/embeddings", "/embeddings", "/embedding"]

  func respond(to call: Call, using services: Services) async throws -> Response {
    let model = try services.anyModel()
    let request = try EmbeddingRequest(call.body, pooling: services.configuration.pooling)
    var options = request.options
    call.claim(&options.scheduling)
    let inputs = try await request.texts.tokens(request.inputs, model)
    let count = inputs.reduce(0) { $0 + $1.count }
    let vectors = try await call.read(promptTokens: count, using: services) { [options] in
      try await model.embed(inputs, options)
    }
    if request.field == "content" { return .json(Self.plain(vectors)) }
    let data = vectors.enumerated().map { index, vector -> JSONValue in
      [
        "object": "embedding", "index": .integer(Int64(index)),
        "embedding": request.encodesBase64 ? .string(Self.base64(vector)) : Self.numbers(vector),
      ]
    }
    return .json([
      "object": "list", "data": .array(data), "model": .string(services.modelName(model)),
      "usage": Self.usage(count),
    ])
  }

  static func usage(_ tokens: Int) -> JSONValue {
    ["prompt_tokens": .integer(Int64(tokens)), "total_tokens": .integer(Int64(tokens))]
  }

  /// llama-server's form: a list of vectors for each text.
  private static func plain(_ vectors: [[Float]]) -> JSONValue {
    .array(
      vectors.enumerated().map { index, vector in
        ["index": .integer(Int64(index)), "embedding": .array([numbers(vector)])]
      })
  }

  /// In as few digits as tell a 32-bit number from its neighbours.
  private static func numbers(_ vector: [Float]) -> JSONValue {
    .array(vector.map { .number(Double(String($0)) ?? Double($0)) })
  }

  /// The bytes of 32-bit floats, the lowest first.
  private static func base64(_ vector: [Float]) -> String {
    var bytes = Data(capacity: vector.count * 4)
    for value in vector {
      let bits = value.bitPattern
      bytes.append(contentsOf: (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) })
    }
    return bytes.base64EncodedString()
  }
}
