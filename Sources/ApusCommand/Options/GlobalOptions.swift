import ArgumentParser

/// What every command takes.
struct GlobalOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A JSON, TOML or YAML file with values for flags.", valueName: "file"))
  var config: String?

  @Flag(name: .shortAndLong, help: "Print results and errors only.")
  var quiet = false
}
