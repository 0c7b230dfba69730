import ApusCommand
import ApusCore
import Testing

/// Lines in, what the model is asked and what is shown out; answers are `answer 1`, `answer 2`, ….
struct ChatSessionTests {
  final class Log {
    var asked: [[JSONValue]] = []
    var settings: [ChatSettings] = []
    var shown: [String] = []
    var failure: (any Error)?

    /// A session whose answers stand here.
    func session(_ conversation: Transcript = Transcript()) throws -> ChatSession {
      ChatSession(conversation, settings: try ChatSettings.parse([])) { [self] in
        shown.append($0)
      } answer: { [self] messages, settings in
        if let failure { throw failure }
        asked.append(messages)
        self.settings.append(settings)
        return "answer \(asked.count)"
      }
    }
  }

  struct Failure: Error {}

  private func message(_ role: String, _ text: String) -> JSONValue {
    ["role": .string(role), "content": .string(text)]
  }

  private func texts(_ messages: [JSONValue]?) -> [String] {
    (messages ?? []).map { $0["content"]?.stringValue ?? "" }
  }

  private func lines(_ lines: String..., in session: inout ChatSession) async throws {
    for line in lines { try await session.handle(line) }
  }

  @Test func turnsAreRemembered() async throws {
    let log = Log()
    var session = try log.session(Transcript(system: "Be brief."))
    try await lines("one", "", "  ", "two ", in: &session)
    #expect(
      log.asked == [
        [message("system", "Be brief."), message("user", "one")],
        [
          message("system", "Be brief."), message("user", "one"),
          message("assistant", "answer 1"), message("user", "two "),
        ],
      ])
    #expect(log.shown.isEmpty)
  }

  @Test func clearForgetsTheTurnsAndSystemStartsOver() async throws {
    let log = Log()
    var session = try log.session(Transcript(system: "A"))
    try await lines("one", "/clear", "two", "/system B c", "three", "/system", "four", in: &session)
    #expect(
      log.asked.map(texts) == [["A", "one"], ["A", "two"], ["B c", "three"], ["four"]])
  }

  @Test func undoTakesBackOneTurn() async throws {
    let log = Log()
    var session = try log.session()
    try await lines("one", "two", "/undo", "three", in: &session)
    #expect(texts(log.asked.last) == ["one", "answer 1", "three"])
    #expect(log.shown == ["took back: two"])
    try await lines("/undo", "/undo", in: &session)
    await #expect(throws: ChatError.nothingSaid) { try await session.handle("/undo") }
  }

  @Test func regenerateAsksAgain() async throws {
    let log = Log()
    var session = try log.session()
    await #expect(throws: ChatError.nothingSaid) { try await session.handle("/regenerate") }
    try await lines("one", "two", "/regenerate", "three", in: &session)
    #expect(log.asked[2] == log.asked[1])
    #expect(texts(log.asked.last) == ["one", "answer 1", "two", "answer 3", "three"])
  }

  @Test func whatFailsChangesNothing() async throws {
    let log = Log()
    var session = try log.session()
    try await lines("one", in: &session)
    let before = session.conversation
    log.failure = Failure()
    for line in ["two", "/regenerate"] {
      await #expect(throws: Failure.self) { try await session.handle(line) }
      #expect(session.conversation == before)
    }
  }

  @Test func exitEnds() async throws {
    for line in ["/exit", "/quit", " /exit "] {
      var session = try Log().session()
      try await session.handle(line)
      #expect(session.isOver)
    }
  }

  @Test func helpNamesEveryCommandOnce() async throws {
    let log = Log()
    var session = try log.session()
    try await session.handle("/help")
    let rows = log.shown[0].split(separator: "\n")
    #expect(rows.count == SlashCommand.all.count + 1)
    for (row, command) in zip(rows, SlashCommand.all) {
      #expect(row.hasPrefix(command.usage + " ") && row.hasSuffix(command.help))
    }
    #expect(Set(SlashCommand.all.map(\.name)).count == SlashCommand.all.count)
  }

  @Test func wrongUseIsToldInOneLine() async throws {
    var session = try Log().session()
    for (line, message) in [
      ("/frobnicate now", "unknown command '/frobnicate'; valid: /clear, "),
      ("/", "unknown command '/'"), ("/Clear", "'/Clear'"), ("/save", "/save FILE"),
      ("/load  ", "/load FILE"), ("/clear all", "/clear takes nothing behind it"),
    ] {
      let error = await #expect(throws: (any Error).self) { try await session.handle(line) }
      #expect(error.map { "\($0)" }?.contains(message) == true, "\(line)")
    }
  }
}
