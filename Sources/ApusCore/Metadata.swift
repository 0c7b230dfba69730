/// One value of a GGUF file's key–value section.
public enum MetadataValue: Sendable, Equatable {
  case bool(Bool)
  case integer(Int64)
  case unsigned(UInt64)
  case number(Double)
  case string(String)
  case bools([Bool])
  case integers([Int64])
  case numbers([Float])
  case strings([String])

  /// The value as an Int; nil when it is no integer or does not fit.
  public var intValue: Int? {
    switch self {
    case .integer(let value): Int(exactly: value)
    case .unsigned(let value): Int(exactly: value)
    default: nil
    }
  }

  public var doubleValue: Double? {
    switch self {
    case .number(let value): value
    case .integer(let value): Double(value)
    case .unsigned(let value): Double(value)
    default: nil
    }
  }

  public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
  public var stringsValue: [String]? { if case .strings(let value) = self { value } else { nil } }
  public var integersValue: [Int64]? { if case .integers(let value) = self { value } else { nil } }
  public var numbersValue: [Float]? { if case .numbers(let value) = self { value } else { nil } }
}

/// The key–value section of a GGUF file.
public typealias Metadata = [String: MetadataValue]
