import ApusCore
import ApusScheduling

extension FieldReader {
  /// How the request shares the machine with others.
  ///
  /// A lower `priority` is sooner, as in vLLM; texts under different `cache_salt` share no keys and values;
  /// `cache_prompt: false` makes the prompt be read anew, as in llama-server.
  func scheduling() throws -> SequenceAttributes {
    var attributes = SequenceAttributes()
    attributes.tenant = try string("user") ?? ""
    attributes.priority = try int("priority", in: Int(Int32.min)...Int(Int32.max)) ?? 0
    attributes.salt = try string("cache_salt") ?? ""
    attributes.reusesPrefix = try bool("cache_prompt") ?? true
    return attributes
  }

  /// The time the request has, from `apus.deadline_ms`.
  func deadline() throws -> Duration? {
    guard let extensions = try object("apus") else { return nil }
    return try FieldReader(extensions, prefix: "apus.")
      .number("deadline_ms", in: 1...1e12).map { .milliseconds($0) }
  }
}
