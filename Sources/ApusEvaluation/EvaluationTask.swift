import ApusCore
import ApusDecoding

/// One question to a model, and what a rule needs to score the answer.
package struct EvaluationCase: Sendable, Equatable {
  package var document: String
  package var question: String
  /// What a perfect model writes.
  package var answer: String
  /// What the rule looks for in an answer; the task says what it means.
  package var expected: [String]
  /// Where in the document lies what is asked for, from 0 to 1.
  package var depth: Double?

  package init(
    document: String, question: String, answer: String, expected: [String], depth: Double? = nil
  ) {
    self.document = document
    self.question = question
    self.answer = answer
    self.expected = expected
    self.depth = depth
  }

  /// What the user's turn says.
  package var message: String { document.isEmpty ? question : document + "\n\n" + question }
}

/// What a rule makes of an answer.
package struct TaskScore: Sendable, Equatable {
  /// From 0 to 1.
  package var value: Double
  /// Further figures by name.
  package var details: [String: Double]

  package init(_ value: Double, details: [String: Double] = [:]) {
    self.value = value
    self.details = details
  }

  package init(_ isRight: Bool, details: [String: Double] = [:]) {
    self.init(isRight ? 1 : 0, details: details)
  }
}

extension TaskScore {
  /// The means of the scores and of each detail over the cases that have it.
  package static func mean(_ scores: [TaskScore]) -> TaskScore {
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }
    let names = Set(scores.flatMap(\.details.keys))
    return TaskScore(
      mean(scores.map(\.value)),
      details: Dictionary(
        uniqueKeysWithValues: names.map { name in
          (name, mean(scores.compactMap { $0.details[name] }))
        }))
  }
}

/// What a model is asked to do with a case.
package enum EvaluationMeasure: Sendable, Equatable {
  /// It answers the question.
  case answer
  /// It gives the log-probabilities of the document, which is no chat.
  case text
  /// It and the exact model give the log-probabilities of the question with its answer.
  case agreement
}

/// What came back.
package enum ModelOutput: Sendable {
  case answer(String)
  /// For each token of the text but the first; `characters` are those of these tokens.
  case scores([TokenLogprobs], characters: Int)
  /// For the same tokens, what this model and what the exact one says; the answer begins at `answerStart`.
  case pair([TokenLogprobs], exact: [TokenLogprobs], answerStart: Int)
}

/// Makes cases of a length from a seed, and scores what a model does with them by rule.
///
/// Most tasks are an `AnswerTask`, which asks for less.
package protocol EvaluationTask: Sendable {
  /// Throws `CatalogError` for options it does not know.
  init(options: PluginOptions) throws

  var measure: EvaluationMeasure { get }

  /// At most `count` cases whose prompt and answer have the length; the same for the same seed.
  func cases(length: CaseLength, seed: UInt64, count: Int) throws -> [EvaluationCase]

  /// Cases come in groups of so many; only those of a group may ask about the same document, which a model then reads
  /// once.
  var questionsPerDocument: Int { get }

  func score(_ output: ModelOutput, for example: EvaluationCase) -> TaskScore

  /// What the scores of several cases come to; the means if the task does not say otherwise.
  func total(_ scores: [TaskScore]) -> TaskScore
}

extension EvaluationTask {
  package var questionsPerDocument: Int { 1 }
  package func total(_ scores: [TaskScore]) -> TaskScore { .mean(scores) }
}

/// A task whose cases are questions, and whose score follows from the text of the answer.
package protocol AnswerTask: EvaluationTask {
  /// The smallest size that `makeCase` takes.
  var leastSize: Int { get }

  /// A case with `size` sentences, lines or words to look through; a larger size makes a longer document.
  ///
  /// `number` counts the cases of a length, so that they can be spread over depths or kinds. For cases that share a
  /// document, `random` starts the same: the document must not depend on `number`, and `random.fork(number)` draws what
  /// does.
  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase

  func score(_ answer: String, for example: EvaluationCase) -> TaskScore
}

extension AnswerTask {
  package var leastSize: Int { 1 }
  package var measure: EvaluationMeasure { .answer }

  package func cases(length: CaseLength, seed: UInt64, count: Int) throws -> [EvaluationCase] {
    let step = questionsPerDocument
    return try stride(from: 0, to: count, by: step).flatMap { first in
      let seed = RandomSource.seed(seed, "\(Self.self)", length.target, first / step)
      return try group(first..<first + step, length: length, seed: seed).prefix(count - first)
    }
  }

  /// Cases about one document and, where it has not enough to ask for, about further ones.
  private func group(_ numbers: Range<Int>, length: CaseLength, seed: UInt64) throws
    -> [EvaluationCase]
  {
    var found: [Int: EvaluationCase] = [:]
    var document = 0
    while found.count < numbers.count {
      let seed = document == 0 ? seed : RandomSource.seed(seed, "document", document)
      let rest = numbers.filter { found[$0] == nil }
      // All that are left, also where not all are wanted: the document's length follows from the longest.
      let cases = try length.fit(least: leastSize) { size in
        rest.map { number in
          var random = RandomSource(seed: seed)
          return makeCase(size: size, number: number, using: &random)
        }
      }
      var questions: Set<String> = []
      for (number, example) in zip(rest, cases) where questions.insert(example.message).inserted {
        found[number] = example
      }
      document += 1
    }
    return numbers.compactMap { found[$0] }
  }

  package func score(_ output: ModelOutput, for example: EvaluationCase) -> TaskScore {
    guard case .answer(let answer) = output else { return TaskScore(0) }
    return score(answer, for: example)
  }
}
