import ApusCommand
import Testing

struct ChatSettingTests {
  private let log = ChatSessionTests.Log()

  /// The values after some lines, by name.
  private func values(after lines: String...) async throws -> [String: String] {
    var session = try log.session()
    for line in lines { try await session.handle(line) }
    return .init(
      uniqueKeysWithValues: ChatSetting.all.map { ($0.name, $0.text(session.settings)) })
  }

  @Test func everyFlagIsASetting() {
    let flags = ChatSettings.helpMessage().matches(of: /(?m)^ +(?:-\w, )?--([a-z-]+)/)
      .map { String($0.output.1) }
      .filter { $0 != "help" }
    #expect(flags.count >= 11)
    for flag in flags { #expect(throws: Never.self, "\(flag)") { try ChatSetting.find(flag) } }
  }

  @Test func settingsAreChangedOneByOne() async throws {
    let values = try await values(
      after: "/set temperature 0.75", "/set top-p .5", "/set --top_k  40", "/set min_p 0.25",
      "/set typical 0.5", "/set repetition_penalty 1.5", "/set presence_penalty -1",
      "/set frequency_penalty 2", "/set seed 18446744073709551615", "/set stop The end",
      "/set n_predict 9")
    #expect(
      values == [
        "temperature": "0.75", "top_p": "0.5", "top_k": "40", "min_p": "0.25", "typical_p": "0.5",
        "repeat_penalty": "1.5", "presence_penalty": "-1.0", "frequency_penalty": "2.0",
        "seed": "18446744073709551615", "stop": "\"The end\"", "max_tokens": "9",
      ])
  }

  @Test func defaultGivesAValueBack() async throws {
    let usual = try await values()
    #expect(usual["seed"] == "a new one for each answer")
    #expect(usual["stop"] == "none")
    #expect(usual["max_tokens"] == "no limit")
    let again = try await values(
      after: "/set seed 1", "/set stop x", "/set max_tokens 3", "/set temp 1", "/set seed default",
      "/set stop default", "/set max_tokens default", "/set temperature default")
    #expect(again == usual)
  }

  @Test func answersUseThem() async throws {
    var session = try log.session()
    for line in ["/set max_tokens 7", "one"] { try await session.handle(line) }
    #expect(log.settings.map(\.maxTokens) == [7])
  }

  @Test func listsThem() async throws {
    _ = try await values(after: "/set", "/set top_p", "/set top_p 0.5")
    #expect(log.shown[0].split(separator: "\n").count == ChatSetting.all.count)
    #expect(log.shown[0].hasPrefix("temperature        0.0\n"))
    #expect(log.shown[1...] == ["top_p  1.0", "top_p  0.5"])
  }

  @Test(arguments: [
    ("/set top_q 1", "unknown setting 'top_q'; valid: temperature, top_k"),
    ("/set top_p 3", "top_p is 3.0; it is between 0.0 and 1.0"),
    ("/set temperature nan", "temperature is nan"), ("/set top_k x", "'x' is invalid for 'top_k"),
    ("/set top_k 1 2", "'1 2'"), ("/set seed -1", "seed"),
    ("/set max_tokens -2", "the least is -1"),
  ])
  func badValuesChangeNothing(line: String, message: String) async throws {
    var session = try log.session()
    try await session.handle("/set top_p 0.5")
    func texts() -> [String] { ChatSetting.all.map { $0.text(session.settings) } }
    let before = texts()
    let error = await #expect(throws: (any Error).self) { try await session.handle(line) }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains(message) && !text.contains("\n"), "\(text)")
    #expect(texts() == before)
  }
}
