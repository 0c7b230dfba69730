import ApusCore

/// One request of a workload, before it is known how the server counts tokens.
package struct LoadRequest: Sendable, Equatable {
  package var prompt: PromptPlan
  /// Tokens of the prompt as the workload has it; nil when it gives a text.
  package var inputTokens: Int?
  /// Tokens to ask for; nil leaves that to the server.
  package var outputTokens: Int?
  /// Seconds, in a trace.
  package var arrival: Double?

  package init(
    prompt: PromptPlan, inputTokens: Int? = nil, outputTokens: Int? = nil, arrival: Double? = nil
  ) {
    self.prompt = prompt
    self.inputTokens = inputTokens
    self.outputTokens = outputTokens
    self.arrival = arrival
  }

  /// A prompt of made-up text; its length is that of its parts.
  package init(parts: [PromptPart], outputTokens: Int, arrival: Double? = nil) {
    self.init(
      prompt: .parts(parts), inputTokens: parts.reduce(0) { $0 + $1.tokens },
      outputTokens: outputTokens, arrival: arrival)
  }
}

package enum PromptPlan: Sendable, Equatable {
  /// Made-up text, part after part.
  case parts([PromptPart])
  case text(String)
  case tokens([Int])
  /// The messages of a chat.
  case messages(JSONValue)
}

/// A stretch of made-up text: equal seeds make equal text, a shorter part begins as a longer one of its seed.
package struct PromptPart: Sendable, Equatable {
  package var seed: UInt64
  package var tokens: Int

  package init(seed: UInt64, tokens: Int) {
    self.seed = seed
    self.tokens = tokens
  }
}
