import ArgumentParser

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures.",
    discussion: """
      EXAMPLE
        apus bench throughput -p 512 -n 128
      """,
    subcommands: [
      BenchThroughputCommand.self, BenchServeCommand.self, BenchKernelsCommand.self,
    ])
}
