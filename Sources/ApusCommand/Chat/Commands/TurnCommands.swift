extension SlashCommand {
  static let clear = SlashCommand("/clear", help: "forget the conversation") { session, _ in
    session.conversation.turns = []
  }

  static let system = SlashCommand(
    "/system", .optional("TEXT"), help: "set the system's turn, or remove it, and start over"
  ) { session, text in
    session.conversation = Transcript(system: text)
  }

  static let undo = SlashCommand("/undo", help: "take back the last question and its answer") {
    session, _ in
    guard let last = session.conversation.turns.popLast() else { throw ChatError.nothingSaid }
    session.confirm("took back: \(beginning(of: last.question))")
  }

  /// Enough of a text to know which one it is.
  private static func beginning(of text: String) -> String {
    let most = 60
    let line = text.prefix { !$0.isNewline }.prefix(most)
    return line.count == text.count ? text : line + "…"
  }

  static let regenerate = SlashCommand("/regenerate", help: "answer the last question again") {
    session, _ in
    let before = session.conversation
    guard let last = session.conversation.turns.popLast() else { throw ChatError.nothingSaid }
    do { try await session.ask(last.question) } catch {
      session.conversation = before
      throw error
    }
  }
}
