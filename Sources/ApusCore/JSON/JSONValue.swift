/// A JSON value that keeps the order of keys and the exact scalars of strings.
///
/// Foundation's containers do neither: they compare keys by canonical equivalence, so two vocabulary entries that
/// differ only in normal form would collide, and chat templates print `tools` in the order the client sent.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

extension JSONValue {
  /// Strings are equal when their scalars are: "é" in two normal forms is two strings.
  public static func == (a: JSONValue, b: JSONValue) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let x), .bool(let y)): x == y
    case (.integer(let x), .integer(let y)): x == y
    case (.number(let x), .number(let y)): x == y
    case (.string(let x), .string(let y)): x.utf8.elementsEqual(y.utf8)
    case (.array(let x), .array(let y)): x == y
    case (.object(let x), .object(let y)): x == y
    default: false
    }
  }
}

/// An ordered JSON object; a key that stands twice has its last value.
public struct JSONObject: Sendable, Equatable {
  public private(set) var entries: [(key: String, value: JSONValue)] = []

  public init() {}

  public init(_ entries: [(key: String, value: JSONValue)]) {
    self.entries = entries
  }

  public var count: Int { entries.count }
  public var keys: [String] { entries.map(\.key) }

  /// Looks a key up by its UTF-8 bytes; setting nil removes it.
  public subscript(key: String) -> JSONValue? {
    get { lastIndex(of: key).map { entries[$0].value } }
    set {
      if let index = lastIndex(of: key) {
        if let newValue { entries[index].value = newValue } else { entries.remove(at: index) }
      } else if let newValue {
        entries.append((key, newValue))
      }
    }
  }

  /// Adds an entry without looking for an earlier one of the same key.
  package mutating func append(_ key: String, _ value: JSONValue) {
    entries.append((key, value))
  }

  private func lastIndex(of key: String) -> Int? {
    entries.lastIndex { $0.key.utf8.elementsEqual(key.utf8) }
  }

  public static func == (a: JSONObject, b: JSONObject) -> Bool {
    a.count == b.count
      && zip(a.entries, b.entries).allSatisfy {
        $0.key.utf8.elementsEqual($1.key.utf8) && $0.value == $1.value
      }
  }
}

extension JSONValue {
  public var isNull: Bool { if case .null = self { true } else { false } }
  public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
  public var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  public var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }

  /// The value as an integer; a number without a fraction counts as one.
  public var intValue: Int? {
    switch self {
    case .integer(let value): Int(exactly: value)
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }

  public var doubleValue: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The entry of an object; nil for every other kind of value.
  public subscript(key: String) -> JSONValue? { objectValue?[key] }

  /// The name of the kind, as error messages print it.
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "boolean"
    case .integer, .number: "number"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int64) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(nilLiteral: ()) { self = .null }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(JSONObject(elements.map { (key: $0, value: $1) }))
  }
}
