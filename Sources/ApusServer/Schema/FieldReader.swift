import ApusCore

/// Reads the fields of a request strictly: a wrong type or range is an error that names the field.
///
/// A field that is null counts as absent.
struct FieldReader {
  let object: JSONObject
  private let prefix: String

  init(_ object: JSONObject, prefix: String = "") {
    self.object = object
    self.prefix = prefix
  }

  /// The field's name as errors give it.
  func path(_ name: String) -> String { prefix + name }

  func value(_ name: String) -> JSONValue? {
    guard let value = object[name], !value.isNull else { return nil }
    return value
  }

  func has(_ name: String) -> Bool { value(name) != nil }

  func invalid(_ name: String, _ problem: String) -> RequestError {
    .invalid(parameter: path(name), "'\(path(name))' \(problem)")
  }

  func unsupported(_ name: String, _ reason: String = "is not supported") -> RequestError {
    .unsupported(parameter: path(name), "'\(path(name))' \(reason)")
  }

  func string(_ name: String) throws -> String? {
    try value(name).map { value in
      guard let text = value.stringValue else { throw mismatch(name, "a string", value) }
      return text
    }
  }

  func bool(_ name: String) throws -> Bool? {
    try value(name).map { value in
      guard let flag = value.boolValue else { throw mismatch(name, "a boolean", value) }
      return flag
    }
  }

  func int(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
    try value(name).map { try int($0, name, in: range) }
  }

  func number(_ name: String, in range: ClosedRange<Double>) throws -> Double? {
    try value(name).map { try number($0, name, in: range) }
  }

  func array(_ name: String) throws -> [JSONValue]? {
    try value(name).map { value in
      guard let elements = value.arrayValue else { throw mismatch(name, "an array", value) }
      return elements
    }
  }

  func object(_ name: String) throws -> JSONObject? {
    try value(name).map { value in
      guard let object = value.objectValue else { throw mismatch(name, "an object", value) }
      return object
    }
  }

  /// The object at a place in an array, with a reader that names it.
  func element(_ value: JSONValue, _ name: String, _ index: Int) throws -> FieldReader {
    let path = "\(name)[\(index)]"
    guard case .object(let object) = value else {
      throw invalid(path, "must be an object, not \(value.kind)")
    }
    return FieldReader(object, prefix: self.path(path) + ".")
  }

  /// A string that must be there.
  func required(_ name: String) throws -> String {
    guard let text = try string(name) else { throw invalid(name, "is missing") }
    return text
  }

  /// An array of token ids.
  func tokens(_ name: String) throws -> [TokenID]? {
    try array(name).map { try tokens($0, name) }
  }

  func tokens(_ elements: [JSONValue], _ name: String) throws -> [TokenID] {
    try elements.map { TokenID(try int($0, name, in: 0...Int(TokenID.max), element: true)) }
  }

  func int(
    _ value: JSONValue, _ name: String, in range: ClosedRange<Int>, element: Bool = false
  ) throws -> Int {
    let what = element ? "must hold integers" : "must be an integer"
    guard value.doubleValue != nil else { throw invalid(name, "\(what), not \(value.kind)") }
    guard let integer = value.intValue else { throw invalid(name, what) }
    guard range.contains(integer) else {
      throw invalid(name, "\(what) \(Self.describe(range)), not \(integer)")
    }
    return integer
  }

  func number(_ value: JSONValue, _ name: String, in range: ClosedRange<Double>) throws -> Double {
    guard let number = value.doubleValue else { throw mismatch(name, "a number", value) }
    guard range.contains(number) else {
      throw invalid(
        name, "must be from \(range.lowerBound) to \(range.upperBound), not \(number)")
    }
    return number
  }

  func mismatch(_ name: String, _ expected: String, _ value: JSONValue) -> RequestError {
    invalid(name, "must be \(expected), not \(value.kind)")
  }

  private static func describe(_ range: ClosedRange<Int>) -> String {
    range.upperBound >= Int(Int32.max)
      ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
  }
}
