import Apus
import ApusCore
import ApusEngine
import ArgumentParser
import Foundation

struct BenchThroughputCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "throughput", abstract: "Tokens per second of reading prompts and of writing.",
    discussion: """
      Row pp512 reads a prompt of 512 random tokens, tg128 writes 128 tokens; @d8192 means behind 8192 others, which \
      also warm up; each other row is run once more for that. -r says how often rows are measured. -p, -n and -d take \
      lists; 0 leaves the kind of row out.

      tg128x8 writes 8 sequences at once, as --batch 8 asks, and counts the tokens of all: the time is that of 128 \
      tokens of the sequence that started last, while the others, which are a little ahead, go on writing.

      EXAMPLE
        apus bench throughput -m model.gguf -p 512,4096 -n 128 -d 0,8192 --json
      """)

  @Option(
    name: [.customShort("p"), .customLong("n-prompt")],
    help: ArgumentHelp("Tokens to read.", valueName: "n,…"), transform: CountList.init(parsing:))
  var prompt = CountList([512])

  @Option(
    name: [.customShort("n"), .customLong("n-gen")],
    help: ArgumentHelp("Tokens to write.", valueName: "n,…"), transform: CountList.init(parsing:))
  var generate = CountList([128])

  @Option(
    name: [.customShort("d"), .customLong("n-depth")],
    help: ArgumentHelp("Tokens before them.", valueName: "n,…"),
    transform: CountList.init(parsing:))
  var depth = CountList([0])

  @Option(
    help: ArgumentHelp("Sequences that write at once.", valueName: "n,…"),
    transform: CountList.init(parsing:))
  var batch = CountList([1])

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Measured runs of each row.", valueName: "n"))
  var repetitions = 5

  @Flag(help: "Print one array of rows.")
  var json = false

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: EngineOptions
  @OptionGroup var global: GlobalOptions

  mutating func validate() throws {
    try EngineOptions.check("-r", repetitions, atLeast: 1)
    for count in batch.counts { try EngineOptions.check("--batch", count, atLeast: 1) }
  }

  func run() async throws {
    var configuration = try engine.configuration
    configuration.maxSequences = batch.counts.max() ?? 1
    // Each run reads its whole prompt, in steps of the size it names.
    configuration.prefixCache = false
    configuration.limitsStepTime = false
    guard configuration.maxSequences <= configuration.maxBatchedTokens else {
      throw ValidationError(
        "--batch is \(configuration.maxSequences); a step has \(configuration.maxBatchedTokens) tokens"
      )
    }
    let cases = cases(stepTokens: configuration.maxBatchedTokens)
    guard let contextLength = cases.map(\.contextLength).max() else {
      throw ValidationError("there is nothing to measure; give -p or -n a number above 0")
    }
    guard configuration.contextLength ?? contextLength >= contextLength else {
      throw ValidationError("--ctx-size is \(engine.ctxSize); these rows need \(contextLength)")
    }
    configuration.contextLength = configuration.contextLength ?? contextLength
    let language = try model.load(configuration, quiet: global.quiet)
    let report = ThroughputReport(
      language, configuration: configuration,
      threads: engine.threads ?? ProcessInfo.processInfo.activeProcessorCount)
    if !json { try Output.write(report.header) }
    let bar = ProgressBar("measuring", quiet: global.quiet)
    defer { bar.finish() }
    var rows: [JSONValue] = []
    for (index, item) in cases.enumerated() {
      var samples: [ThroughputSample] = []
      for repetition in (item.depth == 0 ? 0 : 1)...repetitions {
        bar.update(
          index * (repetitions + 1) + repetition, of: cases.count * (repetitions + 1),
          detail: item.name)
        let sample = try await item.measure(language.engine, seed: UInt64(repetition))
        if repetition > 0 { samples.append(sample) }
      }
      rows.append(report.row(item, samples))
      bar.finish()
      if !json { try Output.line(report.line(item, samples)) }
    }
    if json { try Output.json(.array(rows)) }
  }

  private func cases(stepTokens: Int) -> [ThroughputCase] {
    depth.counts.flatMap { depth in
      prompt.counts.filter { $0 > 0 }.map { ThroughputCase(prompt: $0, answer: 0, depth: depth) }
        + generate.counts.filter { $0 > 0 }.flatMap { answer in
          batch.counts.map {
            ThroughputCase(
              prompt: 0, answer: answer, depth: depth, batch: $0, stepTokens: stepTokens)
          }
        }
    }
  }
}

/// A list of counts, as `-p 512,1024` gives it.
struct CountList: CustomStringConvertible {
  let counts: [Int]

  init(_ counts: [Int]) { self.counts = counts }

  @Sendable init(parsing text: String) throws {
    counts = try text.split(separator: ",", omittingEmptySubsequences: false).map {
      guard let count = Int($0), (0...1 << 30).contains(count) else {
        throw ValidationError("give numbers with commas between them")
      }
      return count
    }
  }

  var description: String { counts.map(String.init).joined(separator: ",") }
}
