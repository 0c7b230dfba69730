import ApusServer
import ArgumentParser
import Foundation

/// The program: settings are filled in, the command is parsed and run, an error becomes one line and a status.
@main
enum Main {
  static func main() async {
    let arguments = EvalCommand.expandingPair(Array(CommandLine.arguments.dropFirst()))
    var expansion = Settings.Expansion(arguments: arguments)
    do {
      expansion = try Settings().expand(arguments)
      var command = try RootCommand.parseAsRoot(expansion.arguments)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      ErrorReport(error, expansion).exit()
    }
  }
}

struct RootCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apus",
    abstract: "A long-context inference engine and server for language models.",
    discussion: """
      Every flag can also be set as an environment variable, APUS_CTX_SIZE for --ctx-size, and in a file that \
      --config names: {"ctx-size": 4096} in JSON, ctx-size = 4096 in TOML, ctx-size: 4096 in YAML. A flag \
      precedes a variable, a variable precedes the file.

      EXAMPLE
        apus run --chat -p "Hello"
      """,
    version: "apus \(apusVersion)",
    subcommands: [
      ServeCommand.self, RunCommand.self, ChatCommand.self, AskCommand.self, EvalCommand.self,
      BatchCommand.self, BenchCommand.self,
      PlanCommand.self, InspectCommand.self, HeadsCommand.self, QuantizeCommand.self,
      TokenizeCommand.self, DetokenizeCommand.self,
    ])
}
