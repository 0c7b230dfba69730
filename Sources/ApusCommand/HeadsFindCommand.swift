import ApusCore
import ApusEngine
import ApusModels
import ArgumentParser

struct HeadsFindCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "find", abstract: "Finds the heads that need the whole text, for duo and razor.",
    discussion: """
      A random text is read twice. Heads that look back at the same token of the first copy (echo) or at the one behind \
      it (induction) look things up and need all keys; the others do with the first and the newest ones. The score of a \
      KV head is the weight that one of its query heads gives to that token, on average. Nothing is trained.

      The file has one row a layer and one number a KV head, with tabs between them: 0.5 or more for the share \
      --retrieval of heads with the highest scores.

      EXAMPLES
        apus heads find -m model.gguf -o heads.tsv
        apus run -m model.gguf -f report.txt --kv-policy duo:heads=heads.tsv
      """)

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Write the pattern there; - means standard output, in place of the table.",
      valueName: "file"))
  var output: String?

  @Option(help: ArgumentHelp("Tokens of the text that is read twice.", valueName: "n"))
  var length = 256

  @Option(help: ArgumentHelp("The part of the heads that keep everything.", valueName: "share"))
  var retrieval = 0.5

  @Option(help: ArgumentHelp("Other seeds give other texts.", valueName: "seed"))
  var seed: UInt64 = 0

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Threads to compute with; default: all processors.", valueName: "n"))
  var threads: Int?

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup var global: GlobalOptions

  mutating func validate() throws {
    try EngineOptions.check("--length", length, atLeast: 2)
    try EngineOptions.check("--threads", threads ?? 1, atLeast: 1)
    guard (0...1).contains(retrieval) else {
      throw ValidationError("--retrieval is \(retrieval); it is between 0 and 1")
    }
    guard !json || output != "-" else {
      throw ValidationError("-o - and --json both print to standard output; leave one out")
    }
  }

  func run() throws {
    try Output.checkCanWrite(to: output)
    let path = try ModelOptions.localPath(model.model, quiet: global.quiet)
    var configuration = EngineConfiguration()
    configuration.threadCount = threads
    let finder = try ModelOptions.loading(model.model, quiet: global.quiet || json) {
      try HeadFinder(
        try Checkpoint.open(path), configuration: configuration, length: length, progress: $0)
    }
    let bar = ProgressBar("reading a text twice", quiet: global.quiet || json)
    defer { bar.finish() }
    let scores = finder.scores(seed: seed) {
      bar.update($0, of: $1, detail: "\($0) of \($1) tokens")
    }
    bar.finish()
    let pattern = scores.pattern(retrieval: retrieval)
    let file = pattern.map { $0.map { $0.formatted(decimals: 4) }.joined(separator: "\t") + "\n" }
      .joined()
    if let output, output != "-" { try Output.write(file, to: output) }
    if output == "-" {
      try Output.write(file)
    } else if json {
      try Output.json(report(scores, pattern))
    } else {
      try Output.write(table(scores, pattern))
    }
  }

  private func report(_ scores: HeadScores, _ pattern: [[Double]]) -> JSONValue {
    func list(_ rows: [[Double]]) -> JSONValue {
      .array(rows.map { .array($0.map { .number(($0 * 1e4).rounded() / 1e4) }) })
    }
    return [
      "model": .string("\(model.model)"), "length": .integer(Int64(length)),
      "seed": .string("\(seed)"), "retrieval": .number(retrieval), "echo": list(scores.echo),
      "induction": list(scores.induction), "scores": list(scores.heads), "pattern": list(pattern),
    ]
  }

  /// A line a layer, a column a KV head.
  private func table(_ scores: HeadScores, _ pattern: [[Double]]) -> String {
    let titles = (scores.heads.first ?? []).indices.map { column("head \($0) ") }
    var lines = ["layer" + titles.joined()]
    for (layer, row) in scores.heads.enumerated() {
      let cells = zip(row, pattern[layer]).map { score, number in
        column(score.formatted(decimals: 3) + (number >= 0.5 ? "*" : " "))
      }
      lines.append(column("\(layer)", width: 5) + cells.joined())
    }
    let all = pattern.joined()
    lines.append("* keeps everything: \(all.count { $0 >= 0.5 }) of \(all.count) heads")
    return lines.joined(separator: "\n") + "\n"
  }

  private func column(_ text: String, width: Int = 10) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
