import ApusCore
import ApusText
import Testing

/// Parsers for tests, and what they make of a text however it is cut.
enum MessageCases {
  static let tools = [
    ToolDefinition(
      name: "get_weather",
      parameters: [
        "type": "object",
        "properties": [
          "city": ["type": "string"], "days": ["type": "integer"], "exact": ["type": "boolean"],
          "tags": ["type": "array"],
        ],
      ]),
    ToolDefinition(name: "stop", parameters: ["type": "object", "properties": [:]]),
  ]

  static func parser(
    _ format: String, several: Bool = true, forced: String? = nil, tags: ReasoningTags? = nil,
    isOpen: Bool = false
  ) throws -> MessageParser {
    MessageParser(
      reasoning: tags.map { ReasoningSplitter($0, isOpen: isOpen) },
      calls: ToolCallSplitter(
        try ToolCallFormats.catalog.find(format), tools: tools, allowsSeveral: several,
        forced: forced))
  }

  /// The message of a text in pieces of a size.
  static func message(_ text: String, _ parser: MessageParser, pieces size: Int) -> ParsedMessage {
    var parser = parser
    var message = ParsedMessage()
    var rest = text[...]
    while !rest.isEmpty {
      for part in parser.append(String(rest.prefix(size))) { message.add(part) }
      rest = rest.dropFirst(size)
    }
    for part in parser.finish() { message.add(part) }
    return message
  }

  /// The message of a text, the same for every way to cut it.
  static func message(
    _ text: String, _ parser: MessageParser, sourceLocation: SourceLocation = #_sourceLocation
  ) -> ParsedMessage {
    let whole = parser.message(text)
    for size in [1, 2, 3, 7, 20] {
      let cut = message(text, parser, pieces: size)
      #expect(cut.isSame(as: whole), "in pieces of \(size)", sourceLocation: sourceLocation)
    }
    return whole
  }
}

extension ParsedMessage {
  /// Ids are made anew each time.
  func isSame(as other: ParsedMessage) -> Bool {
    content == other.content && reasoning == other.reasoning && calls == other.calls
  }

  /// `name(arguments)` of each call.
  var calls: [String] { toolCalls.map { "\($0.name)(\($0.arguments))" } }
}
