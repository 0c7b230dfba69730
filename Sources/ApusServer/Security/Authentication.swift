import HTTPTypes

/// Compares the keys that requests carry with those that count.
package struct Authentication: Sendable {
  private let ring: APIKeyRing

  init(_ ring: APIKeyRing) { self.ring = ring }

  /// The key that comes as bearer token or in `x-api-key`; nil where none is asked for, an error where it is wrong.
  func check(_ fields: HTTPFields) throws -> APIKey? {
    let keys = ring.current
    guard !keys.isEmpty else { return nil }
    guard let given = fields[.apiKey] ?? Self.bearer(fields[.authorization])
    else { throw RequestError.unauthorized("an API key is required: Authorization: Bearer KEY") }
    let candidate = Array(given.utf8)
    var match: APIKey?
    // All keys are looked at, whichever matches.
    for key in keys where Self.equal(candidate, key.secret) { match = key }
    guard let match else { throw RequestError.unauthorized("the API key is not valid") }
    return match
  }

  private static func bearer(_ field: String?) -> String? {
    guard let field, field.count > 7, field.prefix(7).lowercased() == "bearer " else { return nil }
    return field.dropFirst(7).trimmingPrefix { $0 == " " }.description
  }

  /// Takes a time that depends on the candidate's length alone.
  package static func equal(_ candidate: [UInt8], _ key: [UInt8]) -> Bool {
    guard !key.isEmpty else { return candidate.isEmpty }
    var difference = candidate.count ^ key.count
    for index in candidate.indices {
      difference |= Int(candidate[index] ^ key[index % key.count])
    }
    return difference == 0
  }
}
