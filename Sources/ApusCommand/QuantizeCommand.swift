import Apus
import ApusCore
import ApusModels
import ArgumentParser
import Foundation

struct QuantizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize", abstract: "Writes a model as one GGUF file in a type of choice.",
    discussion: """
      The input is a .gguf file, a Hugging Face folder, builtin:NAME or hf:ORG/REPO[:FILE].

      EXAMPLE
        apus quantize folder model-q4.gguf --type q4_k
      """)

  @Argument(
    help: ArgumentHelp("The model to read.", valueName: "in"),
    transform: { try ModelReference(parsing: $0) })
  var input: ModelReference

  @Argument(help: ArgumentHelp("The .gguf file to write.", valueName: "out"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "One of \(QuantizationType.names).", valueName: "type"),
    transform: QuantizationType.init(argument:))
  var type: QuantizationType

  @Flag(help: "Every matrix in the one type, without exceptions.")
  var pure = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Threads to work with; default: all processors.", valueName: "n"))
  var threads: Int?

  @OptionGroup var global: GlobalOptions

  mutating func validate() throws {
    try EngineOptions.check("--threads", threads ?? 1, atLeast: 1)
  }

  func run() throws {
    let checkpoint = try Checkpoint.open(ModelOptions.localPath(input, quiet: global.quiet))
    var quantizer = Quantizer(checkpoint, type: type)
    quantizer.isPure = pure
    quantizer.threadCount = threads ?? ProcessInfo.processInfo.activeProcessorCount
    let bar = ProgressBar("quantizing", quiet: global.quiet)
    defer { bar.finish() }
    let summary = try quantizer.write(to: output) { done, total in
      bar.update(done, of: total, detail: "\(ByteCount(done)) of \(ByteCount(total))")
    }
    bar.finish()
    guard !global.quiet else { return }
    let source = ByteCount(summary.sourceByteCount)
    Output.note(
      "\(output): \(summary.tensorCount) tensors, \(source) became \(ByteCount(summary.weightByteCount))"
    )
    if summary.requantizedCount > 0 {
      Output.note(
        "warning: \(summary.requantizedCount) tensors were quantized already and lost precision twice"
      )
    }
  }
}
