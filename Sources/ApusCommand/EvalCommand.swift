import Apus
import ApusCore
import ApusEngine
import ApusEvaluation
import ArgumentParser
import Foundation

struct EvalCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval", abstract: "Scores a model on made-up long texts, by rule.",
    discussion: """
      Each task makes cases of a length from a seed, and a rule scores what the model writes, from 0 to 1. A length \
      counts the whole prompt and room for the answer, in tokens of the model. apus eval list prints the tasks; groups \
      of them are \(EvaluationTasks.groups.map(\.name).joined(separator: ", ")). Options of a task follow its name.

      --results keeps each case's score as one line of a file: whatever ends the program, the same command goes on where \
      it was. --compare runs two configurations on the same cases and says whether they differ by more than chance.

      EXAMPLES
        apus eval list
        apus eval niah:haystack=noise passkey --lengths 1k,4k --samples 55 --svg grid.svg
        apus eval ruler -m model.gguf --results ruler.jsonl --json ruler.json
        apus eval agreement qa --compare '--cache-type-k f16' '--cache-type-k q4_0'
        apus eval perplexity:file=book.txt --lengths 2k
      """)

  @Argument(help: ArgumentHelp("Tasks or groups of tasks, or list.", valueName: "task"))
  var tasks: [String] = []

  @Option(
    help: ArgumentHelp(
      "Lengths, such as 1k,4k,16k; default: 1k and 4k, if the context has room.",
      valueName: "list"), transform: Lengths.init(parsing:))
  var lengths: Lengths?

  @Option(help: ArgumentHelp("What lengths count: tokens or characters.", valueName: "unit"))
  var unit = LengthUnit.tokens

  @Option(help: ArgumentHelp("Cases of each task and length.", valueName: "n"))
  var samples = 50

  @Option(help: ArgumentHelp("Other seeds give other cases.", valueName: "seed"))
  var seed: UInt64 = 1

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Run two configurations, each given as the flags of the engine it adds, such as '--cache-type-k q4_0'; '' adds none.",
      valueName: "flags"))
  var compare: [String] = []

  @Option(
    help: ArgumentHelp(
      "Write one JSON object with all rows there; - means standard output.", valueName: "file"))
  var json: String?

  @Option(help: ArgumentHelp("Keep the score of each case there.", valueName: "file"))
  var results: String?

  @Option(
    help: ArgumentHelp("Draw scores by depth and length there, as SVG.", valueName: "file"))
  var svg: String?

  @Flag(help: "Print the further figures of each task too.")
  var details = false

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: EngineOptions
  @OptionGroup var global: GlobalOptions

  private static let usualLengths = [1024, 4096]

  mutating func validate() throws {
    try EngineOptions.check("--samples", samples, atLeast: 1)
    guard samples <= Evaluation.mostSamples else {
      throw ValidationError("--samples is \(samples); the most is \(Evaluation.mostSamples)")
    }
    guard !tasks.isEmpty else {
      throw ValidationError("there is no task; apus eval list prints them")
    }
    guard compare.isEmpty || compare.count == 2 else {
      throw ValidationError("--compare takes two configurations, not \(compare.count)")
    }
  }

  func run() async throws {
    if tasks == ["list"] {
      for name in EvaluationTasks.catalog.names { try Output.line(name) }
      return
    }
    let evaluation = try evaluation()
    // What would be noticed only when all has run.
    guard try svg == nil || evaluation.hasDepths() else {
      throw ValidationError("--svg draws tasks that have depths, such as niah; none of these has")
    }
    for path in [json, svg] { try Output.checkCanWrite(to: path) }
    let interrupts = Interrupts([SIGINT, SIGTERM], once: true)
    let report = try await interrupts.value(of: Task { try await measure(evaluation) })
    try write(report)
  }

  /// Not made in `validate`, which may be called more than once: a task may read a pipe.
  private func evaluation() throws -> Evaluation {
    do {
      return Evaluation(
        tasks: try EvaluationTasks.make(tasks), lengths: lengths?.values ?? [], unit: unit,
        samples: samples, seed: seed)
    } catch let error as CatalogError {
      throw ValidationError("\(error)")
    }
  }

  /// A configuration to run: its name in the report, what identifies its results, and how the engine starts.
  private struct Variant {
    let name: String
    let settings: String
    let configuration: EngineConfiguration

    init(_ options: EngineOptions, given: String?) throws {
      let own = try options.answerSettings
      let given = given.map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
      name = (given ?? own).isEmpty ? "default" : given ?? own
      settings = given == nil || given == own ? own : "\(own) | \(given ?? "")"
      configuration = try options.manySequences
    }
  }

  private func variants() throws -> [Variant] {
    guard !compare.isEmpty else { return [try Variant(engine, given: nil)] }
    return try compare.map { flags in
      try Variant(Self.engine(adding: flags), given: flags)
    }
  }

  private func measure(_ evaluation: Evaluation) async throws -> EvaluationReport {
    var evaluation = evaluation
    let variants = try variants()
    let results = try results.map { try ResultsFile(path: $0) } ?? ResultsFile()
    let needsExact = evaluation.tasks.contains { $0.task.measure == .agreement }
    var runs: [(name: String, records: [CaseRecord])] = []
    for variant in variants {
      let quiet = global.quiet
      let loaded = try model.load(variant.configuration, quiet: quiet)
      let exact =
        needsExact && variant.configuration.isApproximate
        ? try model.load(variant.configuration.exact, quiet: quiet) : nil
      let subject = ModelUnderTest(
        loaded, exact: exact, maxSequences: variant.configuration.maxSequences)
      if runs.isEmpty {
        let context = try Self.contextLength(of: subject, in: variants)
        if lengths == nil {
          let fitting = Self.usualLengths.filter { $0 <= context }
          evaluation.lengths = fitting.isEmpty ? [context] : fitting
        }
        try evaluation.check(contextLength: context)
      }
      let bar = ProgressBar(compare.isEmpty ? "evaluating" : variant.name, quiet: quiet)
      defer { bar.finish() }
      bar.update(0, of: nil)
      let records = try await evaluation.run(
        on: subject, model: "\(model.model)", settings: variant.settings, results: results
      ) {
        bar.update(
          $0.done, of: $0.total, detail: "\($0.done) of \($0.total) cases, \($0.task)")
      }
      runs.append((variant.name, records))
    }
    var report = EvaluationReport(evaluation)
    for run in runs { report.add(run.records, config: run.name) }
    if runs.count == 2 {
      report.compare(runs[0].records, runs[1].records, names: (runs[0].name, runs[1].name))
    }
    return report
  }

  /// The smallest context that the model has in any of the variants.
  private static func contextLength(
    of subject: ModelUnderTest, in variants: [Variant]
  ) throws -> Int {
    try variants.reduce(subject.contextLength) { smallest, variant in
      // As much memory as it wants: what the machine has to spare, the subject knows.
      let plan = try EnginePlan(
        variant.configuration, model: subject.model.engine.modelConfiguration, weightByteCount: 0,
        availableMemory: 1 << 50)
      return min(smallest, plan.contextLength)
    }
  }

  private func write(_ report: EvaluationReport) throws {
    if json == "-" {
      try Output.json(report.json)
    } else {
      for line in report.lines { try Output.line(line) }
      for line in details ? report.detailLines : report.scoreDetailLines { try Output.line(line) }
      if let json { try Output.write(report.json.text + "\n", to: json) }
    }
    if let svg, let picture = report.svg { try Output.write(picture, to: svg) }
  }
}

extension EvalCommand {
  /// `--compare A B` with the flag before each, as the parser reads it: both begin with dashes of their own.
  static func expandingPair(_ arguments: [String]) -> [String] {
    guard arguments.first == "eval", let flag = arguments.firstIndex(of: "--compare"),
      flag + 2 < arguments.count, arguments[flag + 2] != "--compare"
    else { return arguments }
    var arguments = arguments
    arguments.insert("--compare", at: flag + 2)
    return arguments
  }

  /// The engine's options of this command line with further flags behind it.
  fileprivate static func engine(adding flags: String) throws -> EngineOptions {
    let words = flags.split(whereSeparator: \.isWhitespace).map(String.init)
    do {
      _ = try EngineOptions.parse(words)
      let arguments = expandingPair(Array(CommandLine.arguments.dropFirst()))
      let expansion = try Settings().expand(arguments)
      let command = try RootCommand.parseAsRoot(expansion.arguments + words)
      guard let command = command as? EvalCommand else { return try EngineOptions.parse(words) }
      return command.engine
    } catch {
      throw ValidationError("--compare '\(flags)': \(EngineOptions.message(for: error))")
    }
  }

  /// The value of `--lengths`.
  struct Lengths {
    let values: [Int]

    @Sendable init(parsing text: String) throws {
      let all = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
        let hasUnit = part.last == "k" || part.last == "K"
        guard let number = Int(hasUnit ? part.dropLast() : part), number > 0, number < 1 << 40
        else {
          throw ValidationError("give lengths such as 1k,4k,16k; '\(part)' is none")
        }
        return hasUnit ? number * 1024 : number
      }
      var seen: Set<Int> = []
      values = all.filter { seen.insert($0).inserted }
    }
  }
}

extension LengthUnit: ExpressibleByArgument {}

extension EngineOptions {
  /// The flags that may change answers, where they are not what they are by default.
  fileprivate var answerSettings: String {
    get throws {
      let (own, usual) = (try configuration, EngineConfiguration())
      let flags = [
        ("--ctx-size", own.contextLength.map { "\($0)" }, nil),
        ("--cache-type-k", own.keyFormat, usual.keyFormat),
        ("--cache-type-v", own.valueFormat, usual.valueFormat),
        ("--precision", own.precision.rawValue, usual.precision.rawValue),
        ("--quantize", own.quantization?.rawValue, nil), ("--isa", own.instructionSet, nil),
        ("--kv-policy", kvPolicy, Self.everything), ("--select", select, Self.everything),
      ]
      return flags.compactMap { flag, value, usual in
        value.flatMap { $0 == usual ? nil : "\(flag) \($0)" }
      }.joined(separator: " ")
    }
  }
}
