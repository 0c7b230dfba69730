import ApusCompute

/// Why a model file cannot be read or written; every description is one line.
public enum CheckpointError: Error, Equatable, CustomStringConvertible {
  /// Nothing at the path is a model, or files beside it are missing.
  case notAModel(path: String, reason: String)
  /// The file breaks its own format.
  case malformed(file: String, reason: String)
  case unknownArchitecture(file: String, name: String, known: [String])
  case unsupportedType(file: String, tensor: String, type: String)
  case missingTensor(file: String, tensor: String)
  case unexpectedTensor(file: String, tensor: String, architecture: String)
  case wrongShape(file: String, tensor: String, expected: [Int], found: [Int])
  /// A field of config.json or a key of a GGUF file is missing or has a value that makes no sense.
  case invalidField(file: String, field: String, problem: String)

  public var description: String {
    switch self {
    case .notAModel(let path, let reason):
      "\(Self.line(path)) is not a model: \(Self.line(reason))"
    case .malformed(let file, let reason):
      "\(Self.line(file)) is malformed: \(Self.line(reason))"
    case .unknownArchitecture(let file, let name, let known):
      "\(Self.line(file)): unknown architecture '\(Self.line(name))'; known: \(known.joined(separator: ", "))"
    case .unsupportedType(let file, let tensor, let type):
      "\(Self.line(file)): tensor '\(Self.line(tensor))' has the unsupported type \(Self.line(type))"
    case .missingTensor(let file, let tensor):
      "\(Self.line(file)): tensor '\(Self.line(tensor))' is missing"
    case .unexpectedTensor(let file, let tensor, let architecture):
      "\(Self.line(file)): tensor '\(Self.line(tensor))' is not part of architecture \(architecture)"
    case .wrongShape(let file, let tensor, let expected, let found):
      "\(Self.line(file)): tensor '\(Self.line(tensor))' has shape \(found), expected \(expected)"
    case .invalidField(let file, let field, let problem):
      "\(Self.line(file)): '\(Self.line(field))' \(Self.line(problem))"
    }
  }

  /// A number that another type cannot hold.
  static func unfit(_ tensor: TensorInfo, row: Int, for type: TensorType) -> CheckpointError {
    .malformed(
      file: tensor.file.path,
      reason: "tensor '\(tensor.name)' has a number in row \(row) that is not finite or too large "
        + "for \(type.name)")
  }

  /// Text from a file, cut to one short line without control characters.
  static func line(_ text: String) -> String {
    let limit = 300
    var result = ""
    for scalar in text.unicodeScalars.prefix(limit) {
      if scalar.properties.generalCategory == .control || scalar == "\u{2028}"
        || scalar == "\u{2029}"
      {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return text.unicodeScalars.count > limit ? result + "…" : result
  }
}
