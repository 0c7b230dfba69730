import ApusCore

/// Where prompts are sent.
package enum CompletionEndpoint: String, Sendable, CaseIterable {
  case completions = "/v1/completions"
  case chat = "/v1/chat/completions"

  package var path: String { rawValue }
}

/// The JSON that a request sends.
package struct RequestBody: Sendable {
  package var endpoint: CompletionEndpoint
  package var model: String
  /// llama-server, vLLM and Apus know `ignore_eos`; other servers may refuse it.
  package var ignoreEOS: Bool
  package var temperature: Double?
  /// Fields that replace those made here; null leaves a field out.
  package var extra: JSONObject

  package init(
    endpoint: CompletionEndpoint, model: String, ignoreEOS: Bool, temperature: Double? = nil,
    extra: JSONObject = JSONObject()
  ) {
    self.endpoint = endpoint
    self.model = model
    self.ignoreEOS = ignoreEOS
    self.temperature = temperature
    self.extra = extra
  }

  /// A streamed request.
  package func streamed(_ prompt: JSONValue, maxTokens: Int?) -> [UInt8] {
    var object = base(prompt, maxTokens: maxTokens)
    object["stream"] = true
    object["stream_options"] = ["include_usage": true]
    return finished(object)
  }

  /// A request for one token in one piece.
  func probe(_ prompt: JSONValue) -> [UInt8] {
    var object = base(prompt, maxTokens: 1)
    object["stream"] = false
    return finished(object)
  }

  private func base(_ prompt: JSONValue, maxTokens: Int?) -> JSONObject {
    var object = JSONObject([("model", .string(model))])
    switch endpoint {
    case .completions: object["prompt"] = prompt
    case .chat:
      let messages: JSONValue =
        prompt.arrayValue == nil ? [["role": "user", "content": prompt]] : prompt
      object["messages"] = messages
    }
    object["max_tokens"] = maxTokens.map { .integer(Int64($0)) }
    object["temperature"] = temperature.map { .number($0) }
    if ignoreEOS { object["ignore_eos"] = true }
    return object
  }

  private func finished(_ object: JSONObject) -> [UInt8] {
    var object = object
    for (name, value) in extra.entries {
      // A nil of the value's own type would be a null that is sent.
      object[name] = value.isNull ? Optional.none : value
    }
    return JSONValue.object(object).utf8
  }
}
