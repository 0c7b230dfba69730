import Apus
import ApusCore
import ApusModels
import ApusScheduling

/// The body of `/v1/rerank`, as Jina and Cohere have it.
struct RerankRequest: Sendable {
  let query: String
  let documents: [String]
  let topCount: Int?
  let returnsDocuments: Bool
  let texts: TextOptions
  let options: EmbeddingOptions

  init(_ body: JSONObject, pooling: Pooling?) throws {
    let fields = FieldReader(body)
    try EmbeddingFields.check(fields)
    guard let query = try fields.string("query") else {
      throw fields.invalid("query", "is missing")
    }
    let name = !fields.has("documents") && fields.has("texts") ? "texts" : "documents"
    guard let elements = try fields.array(name) else { throw fields.invalid(name, "is missing") }
    guard !elements.isEmpty else { throw fields.invalid(name, "must not be empty") }
    guard elements.count <= PromptInput.limit else {
      throw fields.invalid(
        name, "must hold at most \(PromptInput.limit) documents, not \(elements.count)")
    }
    documents = try elements.map { element in
      guard let text = element.stringValue ?? element["text"]?.stringValue else {
        throw fields.invalid(
          name, "must hold strings or objects with a 'text', not \(element.kind)")
      }
      return text
    }
    self.query = query
    topCount = try fields.int("top_n", in: 1...Int(Int32.max))
    returnsDocuments = try fields.bool("return_documents") ?? false
    texts = try TextOptions(fields)
    var options = EmbeddingOptions()
    options.pooling = pooling
    options.scheduling = try fields.scheduling()
    self.options = options
  }
}
