import ArgumentParser

struct HeadsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "heads", abstract: "Finds out what attention heads are for.",
    discussion: """
      EXAMPLE
        apus heads find -m model.gguf -o heads.tsv
      """,
    subcommands: [HeadsFindCommand.self])
}
