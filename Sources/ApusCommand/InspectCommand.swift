import Apus
import ApusModels
import ArgumentParser

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Shows what a model file holds.",
    discussion: """
      EXAMPLE
        apus inspect model.gguf --tensors
      """)

  @Argument(
    help: ArgumentHelp("The model; the same as --model.", valueName: "model"),
    transform: { try ModelReference(parsing: $0) })
  var reference: ModelReference?

  @Flag(help: "List every tensor.")
  var tensors = false

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup var global: GlobalOptions

  func run() throws {
    let path = try ModelOptions.localPath(reference ?? model.model, quiet: global.quiet)
    let inspection = Inspection(try Checkpoint.open(path))
    if json {
      try Output.json(inspection.json)
    } else {
      try Output.write(inspection.text(listsTensors: tensors))
    }
  }
}
