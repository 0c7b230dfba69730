extension SlashCommand {
  static let exit = SlashCommand(
    "/exit", help: "end the program (also Ctrl-D)", aliases: ["/quit"]
  ) { session, _ in
    session.isOver = true
  }

  static let helpCommand = SlashCommand("/help", help: "this list") { session, _ in
    let rows = all.map { ($0.usage, $0.help) } + [("Ctrl-C", "stop the answer")]
    let width = rows.map(\.0.count).max() ?? 0
    session.list(
      rows.map { $0 + String(repeating: " ", count: width + 2 - $0.count) + $1 })
  }
}
