import ApusCore
import ApusEvaluation

/// Tasks and lengths for tests without a model.
enum TaskFixtures {
  /// Counts a token for every four characters, with room for the answer.
  static func length(_ target: Int) -> CaseLength {
    CaseLength(target) { example in
      (example.message.count + 3) / 4 + CaseLength.room((example.answer.count + 3) / 4)
    }
  }

  static func task(_ name: String) throws -> any EvaluationTask {
    try EvaluationTasks.make([name])[0].task
  }

  static func cases(_ name: String, length: Int = 1024, seed: UInt64 = 1, count: Int = 12) throws
    -> [EvaluationCase]
  {
    try task(name).cases(length: Self.length(length), seed: seed, count: count)
  }

  /// The score of an answer to a case.
  static func score(_ name: String, _ answer: String, _ example: EvaluationCase) throws -> TaskScore
  {
    try task(name).score(.answer(answer), for: example)
  }

  static let answerTasks = EvaluationTasks.catalog.names.filter {
    (try? task($0).measure == .answer) ?? false
  }
}
