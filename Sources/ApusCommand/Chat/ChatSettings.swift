import Apus
import ArgumentParser

/// How answers are made: the flags of `apus chat`, which `/set` changes.
package struct ChatSettings: ParsableArguments {
  @Option(
    name: [.customShort("n"), .customLong("n-predict"), .customLong("max-tokens")],
    help: ArgumentHelp("At most so many tokens an answer; -1 means no limit.", valueName: "n"))
  package var maxTokens = -1

  @OptionGroup(title: "Sampling") var sampling: SamplingOptions

  package init() {}

  package mutating func validate() throws {
    try EngineOptions.check("--max-tokens", maxTokens, atLeast: -1)
  }

  func apply(to request: inout TextRequest) {
    request.generation.sampling = sampling.parameters
    request.generation.maxTokens = maxTokens < 0 ? nil : maxTokens
    request.stopStrings = sampling.stop
  }
}
