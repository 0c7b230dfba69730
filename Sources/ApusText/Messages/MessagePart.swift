/// A piece of an assistant's message, in the order in which the model wrote it.
public enum MessagePart: Sendable, Equatable {
  /// What the model thinks before it answers.
  case reasoning(String)
  case content(String)
  /// A call that is complete.
  case toolCall(ToolCall)
}

/// A model's wish to have a function called.
public struct ToolCall: Sendable, Equatable {
  public let id: String
  public let name: String
  /// A JSON object, as text.
  public let arguments: String

  public init(id: String, name: String, arguments: String) {
    self.id = id
    self.name = name
    self.arguments = arguments
  }
}
