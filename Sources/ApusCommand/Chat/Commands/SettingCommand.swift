extension SlashCommand {
  static let set = SlashCommand(
    "/set", .optional("NAME VALUE"),
    help: "change how answers are made (VALUE may be \(ChatSetting.usual)), or list the settings"
  ) { session, words in
    guard let words else {
      let width = ChatSetting.all.map(\.name.count).max() ?? 0
      session.list(
        ChatSetting.all.map {
          $0.name + String(repeating: " ", count: width + 2 - $0.name.count)
            + $0.text(session.settings)
        })
      return
    }
    let name = words.prefix { !$0.isWhitespace }
    let setting = try ChatSetting.find(String(name))
    let value = words.dropFirst(name.count).drop(while: \.isWhitespace)
    guard !value.isEmpty else {
      session.list(["\(setting.name)  \(setting.text(session.settings))"])
      return
    }
    try setting.set(String(value), in: &session.settings)
    session.confirm("\(setting.name)  \(setting.text(session.settings))")
  }
}
