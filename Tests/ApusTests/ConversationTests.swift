import Apus
import Testing

@Suite(.serialized) struct ConversationTests {
  private static let model = Result { try small() }

  private static func small() throws -> LanguageModel {
    var configuration = EngineConfiguration()
    configuration.contextLength = 512
    configuration.threadCount = 1
    return try LanguageModel(.builtin("reader"), configuration: configuration)
  }

  private static func roles(_ chat: Conversation) -> [String] {
    chat.messages.compactMap { $0["role"]?.stringValue }
  }

  @Test func turnsAreKeptAndReadAgain() async throws {
    let model = try Self.model.get()
    let chat = Conversation(model, system: "Answer from the document.")
    chat.request.generation.maxTokens = 8
    let first = try await chat.ask("Hello").answer()
    #expect(Self.roles(chat) == ["system", "user", "assistant"])
    #expect(chat.messages[2]["content"] == .string(first.text))
    let second = try await chat.ask("Hello again").answer()
    #expect(Self.roles(chat) == ["system", "user", "assistant", "user", "assistant"])

    var request = try TextRequest(
      messages: Array(chat.messages.prefix(3)) + [["role": "user", "content": "Hello again"]],
      for: model)
    request.generation.maxTokens = 8
    let same = try await model.generate(request).answer()
    #expect(same.text == second.text)
    #expect(same.tokens.map(\.id) == second.tokens.map(\.id))
    #expect(second.finish.timings.promptTokens == request.generation.prompt.count)
  }

  @Test func anAnswerThatIsCutShortStaysAsFarAsItWent() async throws {
    let chat = Conversation(try Self.model.get())
    chat.request.ignoreEndOfText = true
    var seen = ""
    for try await text in chat.ask("Hello").text {
      seen += text
      if seen.count > 8 { break }
    }
    #expect(Self.roles(chat) == ["user", "assistant"])
    #expect(chat.messages[1]["content"]?.stringValue?.hasPrefix(seen) == true)
  }

  @Test func aQuestionWithoutAnswerLeavesNothing() async throws {
    let chat = Conversation(try Self.model.get())
    let question = String(repeating: "salt ", count: 600)
    await #expect(throws: EngineError.self) { try await chat.ask(question).answer() }
    #expect(chat.messages.isEmpty)
  }

  @Test func theRequestIsAskedWith() async throws {
    let chat = Conversation(try Self.model.get())
    chat.request.generation.maxTokens = 3
    chat.request.ignoreEndOfText = true
    let answer = try await chat.ask("Hello").answer()
    #expect(answer.finish.timings.generatedTokens == 3)
    #expect(answer.finish.reason == .length)
  }
}
