import ApusCommand
import ApusCore
import Foundation
import Testing

struct TranscriptFileTests {
  private let folder: TemporaryFolder
  private let log = ChatSessionTests.Log()

  private let conversation = Transcript(
    system: "Be \"brief\".",
    turns: [
      .init(question: "One\u{1B}[2J", answer: "1\n\n```\n\\\n```"),
      .init(question: "é e\u{301} 日", answer: ""),
    ])

  init() throws { folder = try TemporaryFolder() }

  private func run(_ lines: String..., in session: inout ChatSession) async throws {
    for line in lines { try await session.handle(line) }
  }

  @Test func whatIsSavedIsLoaded() async throws {
    let path = folder.file("a talk.json")
    var session = try log.session(conversation)
    try await run("/save \(path)", "/clear", "/load \(path)", in: &session)
    #expect(session.conversation == conversation)
    #expect(session.conversation.messages() == conversation.messages())
    #expect(log.shown == ["5 messages written to \(path)", "5 messages read from \(path)"])
    let json = try JSONValue(parsing: folder.text("a talk.json"))
    #expect(json == ["messages": .array(conversation.messages())])
    #expect(json["messages"]?.arrayValue?[1]["role"] == "user")
    try await run("more", in: &session)
    #expect(log.asked[0].count == 6)
  }

  @Test func anEmptyConversationIsOneToo() async throws {
    var session = try log.session()
    try await run("/save \(folder.file("x"))", "/load \(folder.file("x"))", in: &session)
    #expect(session.conversation == Transcript())
  }

  @Test func savingWritesOverConversationsOnly() async throws {
    let path = folder.file("x.json")
    var session = try log.session(conversation)
    try await run("/save \(path)", "/undo", "/save \(path)", in: &session)
    #expect(try TranscriptFile(path: path).read() == session.conversation)
    let link = folder.file("link")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
    try await run("/undo", "/save \(link)", in: &session)
    #expect(try TranscriptFile(path: path).read() == session.conversation)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == path)

    let pipe = folder.file("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    for (path, reason) in [
      (try folder.write(Array("notes".utf8), to: "notes"), "no conversation"),
      (try folder.write(Array(#"{"messages": [], "model": "x"}"#.utf8), to: "request"), "model"),
      (try folder.write([], to: "empty"), "no conversation"), (folder.path, "it is a folder"),
      (pipe, "no regular file"), (folder.file("none/x"), "nothing can be written"),
    ] {
      let before = folder.text((path as NSString).lastPathComponent)
      let error = await #expect(throws: CommandError.self) {
        try await session.handle("/save \(path)")
      }
      #expect(error.map { "\($0)" }?.contains(reason) == true, "\(path)")
      #expect(path == pipe || folder.text((path as NSString).lastPathComponent) == before)
    }
    // Nothing half written stays beside them.
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(names == ["empty", "link", "notes", "pipe", "request", "x.json"])
  }

  @Test(arguments: [
    ("[]", "it is array and no object"), ("{", "invalid JSON"), ("{}", "messages is missing"),
    (#"{"messages": {}}"#, "messages is object and no array"),
    (#"{"messages": [], "tools": []}"#, "tools is not supported"),
    (#"{"messages": ["hello"]}"#, "messages[0] is string and no object"),
    (#"{"messages": [{"content": "x"}]}"#, "messages[0].role is missing"),
    (#"{"messages": [{"role": "user"}]}"#, "messages[0].content is missing"),
    (#"{"messages": [{"role": 1, "content": "x"}]}"#, "messages[0].role is number and no string"),
    (
      #"{"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}"#,
      "messages[0].content is array and no string"
    ),
    (#"{"messages": [{"role": "user", "content": null}]}"#, "content is null and no string"),
    (
      #"{"messages": [{"role": "tool", "content": "x"}]}"#,
      "messages[0].role is 'tool'; valid: system, user, assistant"
    ),
    (
      #"{"messages": [{"role": "user", "content": "x", "tool_calls": []}]}"#,
      "messages[0].tool_calls is not supported"
    ),
    (#"{"messages": [{"role": "user", "content": "x"}]}"#, "messages[0] has no answer"),
    (#"{"messages": [{"role": "assistant", "content": "x"}]}"#, "messages[0] is the assistant's"),
    (
      #"{"messages": [{"role": "user", "content": "x"}, {"role": "user", "content": "x"}]}"#,
      "messages[1] is the user's; the assistant's turn comes here"
    ),
    (
      #"{"messages": [{"role": "system", "content": "x"}, {"role": "system", "content": "x"}]}"#,
      "messages[1] is the system's"
    ),
  ])
  func badFilesAreRefused(content: String, reason: String) async throws {
    let path = try folder.write(Array(content.utf8), to: "bad.json")
    var session = try log.session(conversation)
    let error = await #expect(throws: CommandError.self) {
      try await session.handle("/load \(path)")
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.hasPrefix("\(path) is no conversation: ") && text.contains(reason), "\(text)")
    #expect(!text.contains("\n"))
    #expect(session.conversation == conversation)
  }

  @Test func whatIsNoTextIsRefused() async throws {
    var session = try log.session(conversation)
    let bytes = try folder.write([0x7B, 0xFF], to: "bytes")
    for (path, reason) in [
      (bytes, "not UTF-8"), (folder.file("none"), "does not exist"), (folder.path, "a folder"),
      ("/dev/zero", "no regular file"),
    ] {
      let error = await #expect(throws: CommandError.self) {
        try await session.handle("/load \(path)")
      }
      #expect(error.map { "\($0)" }?.contains(reason) == true)
      #expect(session.conversation == conversation)
    }
  }
}
