import ApusCore

/// Which case of which run a record belongs to.
package struct CaseKey: Sendable, Hashable {
  package var model: String
  /// Flags of the engine that may change answers.
  package var settings: String
  package var task: String
  package var length: Int
  package var unit: LengthUnit
  package var seed: UInt64
  package var number: Int

  package init(
    model: String, settings: String, task: String, length: Int, unit: LengthUnit, seed: UInt64,
    number: Int
  ) {
    self.model = model
    self.settings = settings
    self.task = task
    self.length = length
    self.unit = unit
    self.seed = seed
    self.number = number
  }
}

/// What one case gave: a line of the file of results.
package struct CaseRecord: Sendable, Equatable {
  package var key: CaseKey
  /// What the case was made of: a record of another one under the same key does not count.
  package var fingerprint: String?
  package var score: TaskScore
  package var depth: Double?
  package var promptTokens: Int
  package var characters: Int
  /// What the model wrote; nil where it wrote nothing to be scored.
  package var answer: String?

  package init(
    key: CaseKey, fingerprint: String? = nil, score: TaskScore, depth: Double? = nil,
    promptTokens: Int, characters: Int, answer: String? = nil
  ) {
    self.key = key
    self.fingerprint = fingerprint
    self.score = score
    self.depth = depth
    self.promptTokens = promptTokens
    self.characters = characters
    self.answer = answer
  }
}

extension EvaluationCase {
  /// Another one, all but surely, for a case with another text or another right answer.
  var fingerprint: String {
    let text = ([message, answer] + expected).joined(separator: "\0")
    return String(RandomSource.seed(0, text), radix: 16)
  }
}

extension CaseRecord {
  /// How every line begins.
  static let start = Array(#"{"task":""#.utf8)

  package var json: JSONValue {
    var object = JSONObject([
      ("task", .string(key.task)), ("length", .integer(Int64(key.length))),
      ("unit", .string(key.unit.rawValue)), ("number", .integer(Int64(key.number))),
      ("seed", .string("\(key.seed)")), ("model", .string(key.model)),
      ("settings", .string(key.settings)), ("score", .number(score.value)),
      ("prompt_tokens", .integer(Int64(promptTokens))),
      ("prompt_characters", .integer(Int64(characters))),
    ])
    object["case"] = fingerprint.map { .string($0) }
    object["depth"] = depth.map { .number($0) }
    if !score.details.isEmpty {
      object["details"] = .object(
        JSONObject(score.details.sorted { $0.key < $1.key }.map { ($0.key, .number($0.value)) }))
    }
    object["answer"] = answer.map { .string($0) }
    return .object(object)
  }

  /// Reads a line; throws what is wrong with it.
  package init(parsing bytes: [UInt8]) throws {
    let json = try JSONValue(parsing: bytes)
    func field<Value>(_ name: String, _ read: (JSONValue) -> Value?) throws -> Value {
      guard let value = json[name].flatMap(read) else {
        throw ResultsError.malformed("it has no valid '\(name)'")
      }
      return value
    }
    key = CaseKey(
      model: try field("model", \.stringValue), settings: try field("settings", \.stringValue),
      task: try field("task", \.stringValue), length: try field("length", \.intValue),
      unit: try field("unit") { $0.stringValue.flatMap(LengthUnit.init(rawValue:)) },
      seed: try field("seed") { $0.stringValue.flatMap { UInt64($0) } },
      number: try field("number", \.intValue))
    fingerprint = json["case"]?.stringValue
    var details: [String: Double] = [:]
    for (name, value) in json["details"]?.objectValue?.entries ?? [] {
      details[name] = value.doubleValue
    }
    score = TaskScore(try field("score", \.doubleValue), details: details)
    depth = json["depth"]?.doubleValue
    promptTokens = try field("prompt_tokens", \.intValue)
    characters = try field("prompt_characters", \.intValue)
    answer = json["answer"]?.stringValue
  }
}

/// What is wrong with a line of results.
enum ResultsError: Error, CustomStringConvertible {
  case malformed(String)

  var description: String {
    switch self {
    case .malformed(let reason): reason
    }
  }
}
