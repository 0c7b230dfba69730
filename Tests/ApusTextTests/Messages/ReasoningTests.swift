import ApusText
import Testing

struct ReasoningTests {
  private func parser(_ tags: ReasoningTags = .standard, isOpen: Bool = false) -> MessageParser {
    MessageParser(reasoning: ReasoningSplitter(tags, isOpen: isOpen), calls: nil)
  }

  @Test(arguments: [
    ("<think>\nWhy?\n\nSo.\n</think>\n\nBecause.", "Why?\n\nSo.", "Because."),
    ("<think>\n\n</think>\n\nBecause.", "", "Because."),
    ("\n <think>a</think>b", "a", "b"),
    ("Because.", "", "Because."),
    ("  Because.", "", "  Because."),
    ("Not <think>a</think>", "", "Not <think>a</think>"),
    ("<think>never closed </thin", "never closed </thin", ""),
    ("<think>a < b </think > c", "a < b </think > c", ""),
    ("<think", "", "<think"),
    ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
    ("", "", ""),
  ])
  func theTagsAreAtTheBeginning(_ text: String, _ reasoning: String, _ content: String) {
    let message = MessageCases.message(text, parser())
    #expect(message.reasoning == reasoning)
    #expect(message.content == content)
  }

  @Test(arguments: [
    ("Why?\n</think>\n\nBecause.", "Why?", "Because."),
    ("\n<think>\nWhy?</think>Because.", "Why?", "Because."),
    ("never closed", "never closed", ""),
    ("</think>Because.", "", "Because."),
    ("   ", "", ""),
  ])
  func thePromptMayHaveOpenedTheTag(_ text: String, _ reasoning: String, _ content: String) {
    let message = MessageCases.message(text, parser(isOpen: true))
    #expect(message.reasoning == reasoning)
    #expect(message.content == content)
  }

  @Test func theTemplateNamesItsTags() throws {
    #expect(ReasoningTags.named(in: "{{ '<think>\\n' }}") == .standard)
    #expect(ReasoningTags.named(in: "split('</think>')") == .standard)
    #expect(ReasoningTags.named(in: "a [THINK] b")?.closing == "[/THINK]")
    #expect(ReasoningTags.named(in: "{{ message.content }}") == nil)
    let tags = ReasoningTags.standard
    #expect(tags.areOpen(at: "<|assistant|><think>\n"))
    #expect(!tags.areOpen(at: "<|assistant|><think>\n\n</think>\n\n"))
    #expect(!tags.areOpen(at: ""))
  }

  @Test func callsComeAfterReasoning() throws {
    let text =
      "<think>\n<tool_call>{\"name\": \"stop\"}</tool_call>?\n</think>\n\n<tool_call>\n{\"name\": \"stop\"}\n</tool_call>"
    let message = MessageCases.message(text, try MessageCases.parser("hermes", tags: .standard))
    #expect(message.reasoning == "<tool_call>{\"name\": \"stop\"}</tool_call>?")
    #expect(message.content.isEmpty)
    #expect(message.calls == ["stop({})"])
  }
}
