import Apus
import ApusCore
import HTTPTypes
import Hummingbird

/// Documents in the order of how well they answer a query, as Jina and Cohere answer.
struct Rerank: Endpoint {
  let method = HTTPRequest.Method.post
  let paths = ["/v1/rerank", "/rerank", "/reranking", "/v1/reranking"]

  func respond(to call: Call, using services: Services) async throws -> Response {
    let model = try services.anyModel()
    let request = try RerankRequest(call.body, pooling: services.configuration.pooling)
    var options = request.options
    call.claim(&options.scheduling)
    let texts = try await request.texts.tokens(
      ([request.query] + request.documents).map { PromptInput.text($0) }, model)
    let (query, documents) = (texts[0], Array(texts.dropFirst()))
    let count = documents.reduce(0) { $0 + model.rankedTokenCount(query: query, document: $1) }
    let scores = try await call.read(promptTokens: count, using: services) { [options] in
      try await model.rank(query: query, documents: documents, options)
    }
    // The sort is stable only by the index.
    let order = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
    let results = order.prefix(request.topCount ?? order.count).map { index -> JSONValue in
      var result = JSONObject([
        ("index", .integer(Int64(index))), ("relevance_score", .number(Double(scores[index]))),
      ])
      if request.returnsDocuments {
        result["document"] = ["text": .string(request.documents[index])]
      }
      return .object(result)
    }
    return .json([
      "object": "list", "model": .string(services.modelName(model)), "results": .array(results),
      "usage": Embeddings.usage(count),
    ])
  }
}
