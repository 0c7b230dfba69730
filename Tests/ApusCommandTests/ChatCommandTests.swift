import ApusCore
import Foundation
import Testing

@Suite(.enabled(if: Program.exists, Program.missing))
struct ChatCommandTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func chat(_ lines: String..., arguments: [String] = []) async throws -> Program.Result {
    try await Program.start(
      ["chat", "-n", "24"] + arguments, input: lines.map { $0 + "\n" }.joined()
    ).result()
  }

  @Test func answersEachLine() async throws {
    let result = try await chat("Hello", "/clear", "Who are you?", "/exit", "Hello")
    #expect(result.status == 0)
    #expect(result.errors.isEmpty)
    #expect(result.output.split(separator: "\n").count == 2)
    #expect(!result.output.contains("> "))
  }

  @Test func conversationsAreSavedAndTakenUpAgain() async throws {
    let file = folder.file("talk.json")
    let first = try await chat(
      "The Marigold carried salt. What did it carry?", "/save \(file)", "/regenerate",
      arguments: ["--system", "Be brief."])
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.errors == "3 messages written to \(file)\n")
    let answers = first.output.split(separator: "\n")
    #expect(answers.count == 2 && answers[0] == answers[1])

    let json = try JSONValue(parsing: folder.text("talk.json"))
    let messages = try #require(json["messages"]?.arrayValue)
    #expect(messages.map { $0["role"] } == ["system", "user", "assistant"])
    #expect(messages[0]["content"] == "Be brief.")
    #expect(messages[2]["content"]?.stringValue == answers.first.map(String.init))

    let again = try await chat("/load \(file)", "/regenerate", "/undo", "/save \(file)", "/exit")
    #expect(again.status == 0, "\(again.errors)")
    #expect(again.output.split(separator: "\n") == [answers[0]])
    let emptied = try JSONValue(parsing: folder.text("talk.json"))
    #expect(emptied["messages"]?.arrayValue?.count == 1)
  }

  @Test func settingsChangeAnswers() async throws {
    let quiet = ["-q"]
    let whole = try await chat("Hello", arguments: quiet)
    let cut = try await chat("/set max_tokens 1", "Hello", arguments: quiet)
    #expect(cut.errors.isEmpty)
    #expect(!cut.output.isEmpty && cut.output != whole.output)
    #expect(whole.output.hasPrefix(cut.output.dropLast()))
    let list = try await chat("/set")
    #expect(list.errors.contains("max_tokens         24\n"))
    #expect(list.output.isEmpty)
  }

  @Test(arguments: [
    ("/frobnicate", "valid: /clear"), ("/set top_p 3", "top_p is 3.0"),
    ("/load /nowhere/talk.json", "cannot read /nowhere/talk.json"), ("/undo", "no answer yet"),
  ])
  func aFailureEndsAPipe(line: String, message: String) async throws {
    let result = try await chat(line, "Hello")
    #expect(result.status == 1)
    #expect(result.error?.contains(message) == true, "\(result.errors)")
    #expect(result.output.isEmpty)
  }

  @Test(.enabled(if: Program.hasTerminal, Program.noTerminal))
  func aFailureEndsNoConversationOfAPerson() async throws {
    let result = try await Program.runOnTerminal(
      "chat", "-n", "8", input: "/set top_p 3\nHello\n/exit\n")
    #expect(result.status == 0, "\(result.output)")
    #expect(result.output.contains("/help lists the commands"))
    #expect(result.output.contains("error: top_p is 3.0"))
    let pipe = try await chat("/set max_tokens 8", "Hello", arguments: ["-q"])
    #expect(result.output.replacingOccurrences(of: "\r\n", with: "\n").contains(pipe.output))
  }

  /// What a terminal would obey is printed in a pipe, where it may be wanted, and not on a terminal.
  @Test(.enabled(if: Program.hasTerminal, Program.noTerminal))
  func noControlSequenceReachesATerminal() async throws {
    let text = "a\u{1B}[2Jb\tc\u{7}d"
    let ids = try await Program.run("tokenize", "--json", text).output
    let words = try JSONValue(parsing: ids)["ids"]?.arrayValue?.compactMap(\.intValue) ?? []
    let argument = words.map(String.init).joined(separator: " ")
    #expect(try await Program.run("detokenize", argument).output == text + "\n")
    let shown = try await Program.runOnTerminal("detokenize", argument)
    #expect(shown.output == "a[2Jb\tcd\r\n")
  }
}
