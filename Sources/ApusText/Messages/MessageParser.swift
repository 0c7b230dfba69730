/// Tells reasoning, content and tool calls apart in the text of an answer, as it comes.
///
/// How the text is cut into pieces makes no difference to the parts but for where content and reasoning are cut.
public struct MessageParser: Sendable {
  private var reasoning: ReasoningSplitter?
  private var calls: ToolCallSplitter?

  /// A parser to which all text is content.
  public init() {}

  /// - Parameters:
  ///   - reasoning: splits off reasoning; nil means that it stays content.
  ///   - calls: splits off tool calls; nil means that they stay content.
  public init(reasoning: ReasoningSplitter?, calls: ToolCallSplitter?) {
    self.reasoning = reasoning
    self.calls = calls
  }

  /// The parts that are certain once this text is known.
  public mutating func append(_ text: String) -> [MessagePart] {
    guard !text.isEmpty else { return [] }
    guard let parts = reasoning?.append(text) else { return content(text) }
    return parts.flatMap { route($0) }
  }

  /// The rest, at the end of the text.
  public mutating func finish() -> [MessagePart] {
    var parts = (reasoning?.finish() ?? []).flatMap { route($0) }
    parts += calls?.finish() ?? []
    return parts
  }

  private mutating func route(_ part: MessagePart) -> [MessagePart] {
    if case .content(let text) = part { return content(text) }
    return [part]
  }

  private mutating func content(_ text: String) -> [MessagePart] {
    calls?.append(text) ?? [.content(text)]
  }
}

extension MessageParser {
  /// All parts of a whole text.
  ///
  /// It is taken in pieces, so that the work is in proportion to its length.
  public mutating func parts(_ text: String) -> [MessagePart] {
    var parts: [MessagePart] = []
    var rest = text[...]
    while !rest.isEmpty {
      parts += append(String(rest.prefix(512)))
      rest = rest.dropFirst(512)
    }
    return parts + finish()
  }

  /// The message that a whole text is.
  public func message(_ text: String) -> ParsedMessage {
    var parser = self
    var message = ParsedMessage()
    for part in parser.parts(text) { message.add(part) }
    return message
  }
}

/// An assistant's message, taken apart.
public struct ParsedMessage: Sendable, Equatable {
  public var reasoning = ""
  public var content = ""
  public var toolCalls: [ToolCall] = []

  public init() {}

  public mutating func add(_ part: MessagePart) {
    switch part {
    case .reasoning(let text): reasoning += text
    case .content(let text): content += text
    case .toolCall(let call): toolCalls.append(call)
    }
  }
}
