import HTTPTypes

/// Compares the keys that requests carry with those the server was started with.
package struct Authentication: Sendable {
  private let keys: [[UInt8]]

  init(_ keys: [String]) { self.keys = keys.map { Array($0.utf8) } }

  /// Throws unless there are no keys, or one of them comes as bearer token or in `x-api-key`; returns its number.
  @discardableResult
  func check(_ fields: HTTPFields) throws -> Int? {
    guard !keys.isEmpty else { return nil }
    guard let name = HTTPField.Name("x-api-key"),
      let given = fields[name] ?? Self.bearer(fields[.authorization])
    else { throw RequestError.unauthorized("an API key is required: Authorization: Bearer KEY") }
    let candidate = Array(given.utf8)
    var match: Int?
    // All keys are looked at, whichever matches.
    for (number, key) in keys.enumerated() where Self.equal(candidate, key) { match = number }
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
