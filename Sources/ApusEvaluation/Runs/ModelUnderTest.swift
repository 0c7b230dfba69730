import Apus
import ApusCompute
import ApusCore
import ApusDecoding
import ApusEngine
import Synchronization

/// How lengths are counted.
package enum LengthUnit: String, Sendable, CaseIterable {
  case tokens
  case characters
}

/// A loaded model that answers cases, beside the exact one if answers are compared with it.
package struct ModelUnderTest: Sendable {
  package let model: LanguageModel
  /// The same model without approximations; nil where nothing is compared.
  package let exact: LanguageModel?
  /// Sequences that the engine runs at once.
  package let maxSequences: Int

  package init(
    _ model: LanguageModel, exact: LanguageModel? = nil,
    maxSequences: Int = EngineConfiguration().maxSequences
  ) {
    self.model = model
    self.exact = exact
    self.maxSequences = maxSequences
  }

  package var contextLength: Int {
    min(model.engine.contextLength, exact?.engine.contextLength ?? .max)
  }

  /// A case ready to be sent.
  struct Request: Sendable {
    let measure: EvaluationMeasure
    let tokens: [TokenID]
    /// Tokens the answer may have.
    let limit: Int
    let characters: Int
    /// Where among the tokens the answer begins that is given with the question.
    var answerStart = 0

    var pageCount: Int { KVGeometry.pageCount(tokens.count + limit) }
  }

  private static let alternatives = 64

  func request(_ example: EvaluationCase, _ measure: EvaluationMeasure) throws -> Request {
    guard measure != .text else {
      return Request(
        measure: measure, tokens: model.tokenizer.encode(example.document), limit: 0,
        characters: example.document.count)
    }
    let prompt = try rendered(example)
    let answer = model.tokenizer.encode(example.answer, addSpecialTokens: false)
    var request = Request(
      measure: measure, tokens: model.tokens(ofRenderedPrompt: prompt),
      limit: CaseLength.room(answer.count), characters: prompt.count)
    if measure == .agreement {
      request = Request(
        measure: measure, tokens: request.tokens + answer, limit: 0,
        characters: prompt.count + example.answer.count,
        answerStart: max(0, request.tokens.count - 1))
    }
    return request
  }

  private func rendered(_ example: EvaluationCase) throws -> String {
    try model.prompt(messages: [["role": "user", "content": .string(example.message)]])
  }

  /// A length that cases of a task are to have.
  func caseLength(_ target: Int, _ unit: LengthUnit, _ measure: EvaluationMeasure) -> CaseLength {
    CaseLength(target) { try length(of: $0, unit, measure) }
  }

  /// The length of the longest of a task's cases when each is as short as can be.
  func leastLength(
    _ task: any EvaluationTask, target: Int, unit: LengthUnit, seed: UInt64, count: Int
  ) throws -> Int {
    let longest = Mutex(0)
    // Passes for the length asked for, so that no longer case is tried.
    let passing = CaseLength(target) { example in
      let needed = try length(of: example, unit, task.measure)
      longest.withLock { $0 = max($0, needed) }
      return target
    }
    _ = try task.cases(length: passing, seed: seed, count: count)
    return longest.withLock { $0 }
  }

  /// Throws `CancellationError`, as cases of many lengths may be tried for a long time.
  private func length(
    of example: EvaluationCase, _ unit: LengthUnit, _ measure: EvaluationMeasure
  ) throws -> Int {
    try Task.checkCancellation()
    switch unit {
    case .tokens:
      let request = try request(example, measure)
      return request.tokens.count + request.limit
    case .characters:
      if measure == .text { return example.document.count }
      let answer = example.answer.count
      return try rendered(example).count
        + (measure == .agreement ? answer : CaseLength.room(answer))
    }
  }

  /// Sends a request; greedy, so that it answers the same each time. Throws `CancellationError` and `EngineError`.
  func run(_ request: Request) async throws -> ModelOutput {
    switch request.measure {
    case .answer: return .answer(try await answer(request))
    case .text:
      // The first token is not scored.
      let first = model.tokenizer.decode(
        Array(request.tokens.prefix(1)), skipSpecialTokens: true)
      return .scores(
        try await Self.scores(request.tokens, alternatives: 0, of: model),
        characters: request.characters - first.count)
    case .agreement:
      let own = try await Self.scores(request.tokens, alternatives: Self.alternatives, of: model)
      guard let exact else { return .pair(own, exact: own, answerStart: request.answerStart) }
      return .pair(
        own,
        exact: try await Self.scores(request.tokens, alternatives: Self.alternatives, of: exact),
        answerStart: request.answerStart)
    }
  }

  private func answer(_ request: Request) async throws -> String {
    var text = TextRequest(prompt: request.tokens)
    text.generation.sampling.temperature = 0
    text.generation.maxTokens = request.limit
    var answer = ""
    for try await event in model.generate(text) {
      if case .delta(let part, _) = event { answer += part }
      if case .finished = event { return answer }
    }
    // The stream of a cancelled task just ends.
    throw CancellationError()
  }

  private static func scores(
    _ tokens: [TokenID], alternatives: Int, of model: LanguageModel
  ) async throws -> [TokenLogprobs] {
    var request = GenerationRequest(prompt: tokens)
    request.promptLogprobs = alternatives
    request.maxTokens = 0
    var scores: [TokenLogprobs] = []
    for try await event in model.engine.generate(request) {
      if case .promptLogprobs(let all) = event { scores = all }
      if case .finished = event { return scores }
    }
    throw CancellationError()
  }
}
