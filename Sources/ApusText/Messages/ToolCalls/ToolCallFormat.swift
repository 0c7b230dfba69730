import ApusCore

/// How a family of models writes tool calls; to add one is a file in this folder and a line in the list.
public protocol ToolCallFormat: Sendable {
  /// Whether models with this template write calls so.
  func isNamed(in template: String) -> Bool
  /// What calls begin with; text before it is content.
  var markers: [String] { get }
  /// What may stand after a call and means nothing.
  var separators: [String] { get }
  /// Whether a message that begins with an object in JSON may be a call.
  var allowsBareObject: Bool { get }
  /// Finds the end of what follows a marker.
  var block: ToolCallBlock { get }
  /// The calls in a block; nil if there are none, or if anything in it is no call.
  func calls(in block: String, tools: [ToolDefinition]) -> [ToolCallDraft]?
  /// How a call of a function begins; where arguments are JSON, with their opening brace.
  func opening(of name: String) -> String
  /// A name for a call that the model has not named.
  func makeID() -> String
}

extension ToolCallFormat {
  public var separators: [String] { [] }
  public var allowsBareObject: Bool { false }
  public var block: ToolCallBlock { ToolCallBlock(.json) }
  public func makeID() -> String { "call_" + RandomName.make(24) }
}

/// The formats under the names of vLLM's parsers.
public enum ToolCallFormats {
  public static let catalog = Catalog<any ToolCallFormat>(
    "tool call parser",
    [
      ("hermes", HermesToolCalls()),
      ("llama3_json", Llama3ToolCalls()),
      ("mistral", MistralToolCalls()),
      ("qwen3_coder", Qwen3CoderToolCalls()),
    ])

  /// The format that a template speaks of; nil if it is none of these.
  public static func named(in template: String) -> (any ToolCallFormat)? {
    catalog.entries.first { $0.element.isNamed(in: template) }?.element
  }
}

/// A function that the model may ask for.
public struct ToolDefinition: Sendable, Equatable {
  public let name: String
  /// A JSON schema.
  public let parameters: JSONValue

  public init(name: String, parameters: JSONValue) {
    self.name = name
    self.parameters = parameters
  }
}

/// A call as the model wrote it.
public struct ToolCallDraft: Sendable, Equatable {
  public var id: String?
  public let name: String
  public let arguments: JSONObject

  public init(id: String? = nil, name: String, arguments: JSONObject) {
    self.id = id
    self.name = name
    self.arguments = arguments
  }

  /// Reads `{"name", "arguments", "id"}`; arguments may have one of several names and may be JSON inside of a string.
  init?(_ value: JSONValue, argumentsUnder keys: [String]) {
    guard let name = value["name"]?.stringValue, !name.isEmpty else { return nil }
    switch keys.lazy.compactMap({ value[$0] }).first {
    case nil, .null: arguments = JSONObject()
    case .object(let object): arguments = object
    case .string(let text):
      guard case .object(let object)? = try? JSONValue(parsing: text) else { return nil }
      arguments = object
    default: return nil
    }
    self.name = name
    id = value["id"]?.stringValue
  }
}

enum RandomName {
  private static let letters = Array(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")

  static func make(_ count: Int) -> String {
    String((0..<count).map { _ in letters.randomElement() ?? "0" })
  }
}
