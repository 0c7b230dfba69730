import ApusCore

/// Typed reading of the fields of one JSON object, with errors that name the field.
struct JSONFields {
  let value: JSONValue
  let path: String

  init(_ value: JSONValue, _ path: String) {
    self.value = value
    self.path = path
  }

  /// The value of a field; nil where it is absent or null.
  func optional(_ key: String) -> JSONValue? {
    guard let field = value[key], !field.isNull else { return nil }
    return field
  }

  func required(_ key: String) throws -> JSONValue {
    guard let field = optional(key) else { throw TokenizerError.missing("\(path).\(key)") }
    return field
  }

  func string(_ key: String) throws -> String? {
    try optional(key).map { try check($0.stringValue, key, "a string", $0) }
  }

  func bool(_ key: String) throws -> Bool? {
    try optional(key).map { try check($0.boolValue, key, "a boolean", $0) }
  }

  func integer(_ key: String) throws -> Int? {
    try optional(key).map { try check($0.intValue, key, "an integer", $0) }
  }

  func array(_ key: String) throws -> [JSONValue]? {
    try optional(key).map { try check($0.arrayValue, key, "an array", $0) }
  }

  func object(_ key: String) throws -> JSONObject? {
    try optional(key).map { try check($0.objectValue, key, "an object", $0) }
  }

  func fields(_ key: String) throws -> JSONFields? {
    try object(key).map { JSONFields(.object($0), "\(path).\(key)") }
  }

  func type() throws -> String {
    guard let name = try string("type") else { throw TokenizerError.missing("\(path).type") }
    return name
  }

  private func check<T>(
    _ converted: T?, _ key: String, _ wanted: String, _ value: JSONValue
  ) throws -> T {
    guard let converted else {
      throw TokenizerError.malformed(
        field: "\(path).\(key)", problem: "is not \(wanted) but: \(value.kind)")
    }
    return converted
  }
}

extension TokenID {
  /// An id from a file, if it can be one at all.
  init(checking value: Int?, field: String) throws {
    guard let value, value >= 0, let id = TokenID(exactly: value), id < TokenID.max else {
      throw TokenizerError.malformed(field: field, problem: "is no token id")
    }
    self = id
  }
}
