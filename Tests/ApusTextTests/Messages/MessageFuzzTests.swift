import ApusCore
import ApusText
import Testing

/// Whatever a model writes, the parts are the same however it is cut, and nothing but marks and white space is lost.
struct MessageFuzzTests {
  private static let scraps = [
    "<tool_call>", "</tool_call>", "<tool_call", "[TOOL_CALLS]", "[ARGS]", "<|python_tag|>",
    "<function=stop>", "</function>", "<parameter=a>", "</parameter>", "<think>", "</think>",
    "{", "}", "[", "]", "\"", "\\", ":", ";", ",", "\n", "  ", "stop", "\"name\": \"stop\"",
    "\"arguments\": {}", "\"parameters\": {}", #"{"name": "stop", "arguments": {}}"#,
    #"{"name": "stop", "parameters": {}}"#, "\u{1F600}", "e\u{301}", "word ", "1e9", "\u{0}",
  ]

  private static func text(_ random: inout RandomSource) -> String {
    let count = Int(random.nextUnit() * 24)
    return (0..<count).map { _ in
      scraps[min(Int(random.nextUnit() * Double(scraps.count)), scraps.count - 1)]
    }.joined()
  }

  @Test(arguments: ToolCallFormats.catalog.names)
  func piecesMakeTheWhole(_ format: String) throws {
    for seed in 0..<1500 {
      var random = RandomSource(seed: UInt64(seed))
      let text = Self.text(&random)
      let parser = try MessageCases.parser(
        format, several: seed % 5 != 0, forced: seed % 7 == 0 ? "stop" : nil,
        tags: seed % 2 == 0 ? .standard : nil, isOpen: seed % 4 == 0)
      let whole = parser.message(text)
      for size in [1, 2, 5] {
        let cut = MessageCases.message(text, parser, pieces: size)
        #expect(cut.isSame(as: whole), "seed \(seed), pieces of \(size): \(text.debugDescription)")
      }
      for call in whole.toolCalls where seed % 7 != 0 {
        #expect(try JSONValue(parsing: call.arguments).objectValue != nil)
      }
      if whole.toolCalls.isEmpty, seed % 2 == 1 {
        #expect(whole.content == text, "seed \(seed)")
      }
    }
  }

  /// Work stays in proportion to the text, also for texts made of beginnings.
  @Test(arguments: ToolCallFormats.catalog.names)
  func hostileTextsAreReadOnce(_ format: String) throws {
    for scrap in [
      "<tool_call>{", "[TOOL_CALLS][", "{\"a\":", " ", "\n", "<think>", "[TOOL_CALLS]a",
    ] {
      let text = String(repeating: scrap, count: 20_000)
      let parser = try MessageCases.parser(format, tags: .standard)
      let message = MessageCases.message(text, parser, pieces: 5)
      #expect(message.toolCalls.isEmpty)
    }
  }
}
