import ApusServer
import ArgumentParser
import Foundation

struct BatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "batch", abstract: "Answers a file of requests in OpenAI's batch format.",
    discussion: """
      Each line of IN is one request, {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {…}}; \
      the url may be /v1/completions too. Each becomes one line of OUT, in the order in which the answers are done. A \
      line that is no such request is answered with its error and stops no other.

      Lines that begin alike run side by side, those that write much for what they read first, and as many at once as \
      the memory for keys and values holds at their longest, up to --max-num-seqs.

      Whatever ends the program, the same command goes on where it was: what OUT answers is not asked again.

      EXAMPLE
        apus batch questions.jsonl answers.jsonl -m model.gguf
      """)

  @Argument(help: ArgumentHelp("The requests, one a line.", valueName: "in"))
  var input: String

  @Argument(help: ArgumentHelp("The file to add the answers to.", valueName: "out"))
  var output: String

  @Option(
    name: [.customShort("a"), .long],
    help: ArgumentHelp("The model's name in answers; default: its file name.", valueName: "name"))
  var alias: String?

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: EngineOptions
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let configuration = try engine.manySequences
    var batch = Batch(input: input, output: output, maxSequences: configuration.maxSequences)
    batch.alias = alias
    let bar = ProgressBar("answering", quiet: global.quiet)
    defer { bar.finish() }
    let interrupts = Interrupts([SIGINT, SIGTERM], once: true)
    let task = Task { [batch, model, quiet = global.quiet] in
      try await batch.run(
        load: { try model.load(configuration, quiet: quiet) },
        progress: { Self.show($0, on: bar) })
    }
    let summary = try await interrupts.value(of: task)
    bar.finish()
    guard !global.quiet else { return }
    let before = summary.answeredBefore > 0 ? ", \(summary.answeredBefore) of them before" : ""
    let failures = summary.failures > 0 ? "; \(summary.failures) with an error" : ""
    Output.note("\(output): \(summary.lines) lines answered\(before)\(failures)")
  }

  private static func show(_ progress: Batch.Progress, on bar: ProgressBar) {
    switch progress {
    case .reading(let done, let total):
      bar.update(done, of: total, detail: "reading \(done) of \(total) lines")
    case .answering(let done, let total, let failures):
      let errors = failures > 0 ? ", \(failures) with an error" : ""
      bar.update(done, of: total, detail: "\(done) of \(total) lines\(errors)")
    }
  }
}
