extension SlashCommand {
  static let save = SlashCommand(
    "/save", .required("FILE"), help: "write the conversation to a file, as JSON"
  ) { session, path in
    let file = TranscriptFile(path: path ?? "")
    try file.write(session.conversation)
    session.confirm("\(count(session.conversation)) written to \(file.path)")
  }

  static let load = SlashCommand(
    "/load", .required("FILE"), help: "go on with the conversation of a file"
  ) { session, path in
    let file = TranscriptFile(path: path ?? "")
    session.conversation = try file.read()
    session.confirm("\(count(session.conversation)) read from \(file.path)")
  }

  private static func count(_ conversation: Transcript) -> String {
    let count = conversation.messages().count
    return count == 1 ? "1 message" : "\(count) messages"
  }
}
