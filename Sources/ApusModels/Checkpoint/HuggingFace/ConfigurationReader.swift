import ApusCore

/// Reads the fields of a Hugging Face `config.json`, with checks that name the field.
struct ConfigurationReader {
  let json: JSONValue
  let file: String

  func invalid(_ field: String, _ problem: String) -> CheckpointError {
    .invalidField(file: file, field: field, problem: problem)
  }

  /// A field that stands in the file and is not null.
  func value(_ field: String) -> JSONValue? {
    guard let value = json[field], !value.isNull else { return nil }
    return value
  }

  /// A positive size up to `limit`.
  func size(_ field: String, default defaultValue: Int? = nil, limit: Int) throws -> Int {
    guard let value = value(field) else {
      guard let defaultValue else { throw invalid(field, "is missing") }
      return defaultValue
    }
    guard let size = value.intValue, (1...limit).contains(size) else {
      throw invalid(field, "is \(value.text), expected an integer from 1 to \(limit)")
    }
    return size
  }

  /// A finite number above 0.
  func positive(_ field: String, default defaultValue: Double? = nil) throws -> Double {
    guard let value = value(field) else {
      guard let defaultValue else { throw invalid(field, "is missing") }
      return defaultValue
    }
    guard let number = value.doubleValue, number > 0, number.isFinite else {
      throw invalid(field, "is \(value.text), expected a number above 0")
    }
    return number
  }

  func flag(_ field: String, default defaultValue: Bool) throws -> Bool {
    guard let value = value(field) else { return defaultValue }
    guard let flag = value.boolValue else {
      throw invalid(field, "is \(value.text), expected true or false")
    }
    return flag
  }

  func string(_ field: String) throws -> String? {
    guard let value = value(field) else { return nil }
    guard let string = value.stringValue else {
      throw invalid(field, "is \(value.text), expected a string")
    }
    return string
  }
}

/// The largest sizes that any file may claim: far above every model, low enough for products not to overflow.
enum SizeLimit {
  static let layers = 4096
  static let heads = 1 << 16
  static let headDimension = 1 << 16
  static let width = 1 << 24
  static let vocabulary = 1 << 27
  static let context = 1 << 31
}
