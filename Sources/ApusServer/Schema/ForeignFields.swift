import ApusCore

extension FieldReader {
  /// The fields under the names of `/v1/chat/completions`: those of `dropped` left out, others `renamed`.
  ///
  /// What the interface does not have and what cannot be told in its answers is refused.
  func translated(
    dropping dropped: [String], renaming renamed: [(from: String, to: String)]
  ) throws -> JSONObject {
    for name in ["n", "best_of"] where has(name) { _ = try int(name, in: 1...1) }
    for name in ["logprobs", "top_logprobs", "prompt_logprobs", "echo", "suffix"] {
      if let value = value(name), ![0, false, ""].contains(value) {
        throw unsupported(name, "is not supported here; use /v1/completions")
      }
    }
    var result = JSONObject(object.entries.filter { !dropped.contains($0.key) })
    for (name, other) in renamed {
      guard let value = value(name) else { continue }
      if has(other) { throw invalid(other, "is called '\(name)' here") }
      result[other] = value
    }
    return result
  }

  /// Refuses fields that are there.
  func refuse(_ names: [String]) throws {
    for name in names {
      guard let value = value(name), value != false, value != [], value != [:] else { continue }
      throw unsupported(name)
    }
  }
}
