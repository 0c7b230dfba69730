import Apus
import ApusCore

/// The `usage` of a stream's chunks before the last one (`stream_options`): none, null, or the tokens of the chunk's choice
/// so far, which is vLLM's `continuous_usage_stats`.
struct StreamUsage: Sendable {
  /// Whether there is a last chunk with the usage of the whole answer.
  let isIncluded: Bool
  private let isContinuous: Bool
  /// By choice.
  private let promptTokens: [Int]
  private var generatedTokens: [Int: Int] = [:]

  init(_ options: GenerationOptions, promptTokens: [Int]) {
    isIncluded = options.includeUsage
    isContinuous = options.includeUsage && options.continuousUsage
    self.promptTokens = promptTokens
  }

  /// Counts tokens that a choice has got.
  mutating func count(_ tokens: Int, _ choice: Int) {
    generatedTokens[choice, default: 0] += tokens
  }

  /// Counts the tokens of a choice that is complete.
  mutating func end(_ finish: TextFinish, _ choice: Int) {
    generatedTokens[choice] = finish.timings.generatedTokens
  }

  /// Adds the field to a chunk of the choice.
  func add(to object: inout JSONObject, _ choice: Int) {
    guard isIncluded else { return }
    object["usage"] =
      isContinuous
      ? .object(
        AnswerSummary.usage(
          promptTokens: promptTokens[choice], generatedTokens: generatedTokens[choice] ?? 0))
      : .null
  }
}
