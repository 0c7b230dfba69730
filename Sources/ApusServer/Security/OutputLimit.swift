import Apus
import ApusCore

/// How long an answer may become, by the server's and the key's limit.
struct OutputLimit: Sendable {
  /// nil means until the context is full.
  let tokens: Int?

  /// The lowest of the limits that there are.
  init(_ limits: Int?...) { tokens = limits.compactMap { $0 }.min() }

  /// The fields that limit an answer, in the order in which they count.
  private static let fields = [
    "max_completion_tokens", "max_tokens", "max_output_tokens", "n_predict",
  ]

  /// Bounds requests that name no limit; throws `RequestError.invalid` for those that want more than there is.
  func apply(to requests: [TextRequest], of body: JSONObject) throws -> [TextRequest] {
    guard let tokens else { return requests }
    let reader = FieldReader(body)
    return try requests.map { request in
      var request = request
      if let wanted = request.generation.maxTokens, wanted > tokens,
        let name = Self.fields.first(where: { reader.has($0) })
      {
        throw reader.invalid(name, "must be at most \(tokens) here, not \(wanted)")
      }
      guard request.generation.minTokens <= tokens else {
        throw reader.invalid(
          "min_tokens", "must be at most \(tokens) here, not \(request.generation.minTokens)")
      }
      request.generation.maxTokens = min(request.generation.maxTokens ?? tokens, tokens)
      return request
    }
  }
}
