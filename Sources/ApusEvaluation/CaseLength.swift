import ApusCore

/// How long cases are to be: prompt, as the model reads it, and room for the answer together.
package struct CaseLength: Sendable {
  package let target: Int
  private let measure: @Sendable (EvaluationCase) throws -> Int

  package init(
    _ target: Int, measure: @escaping @Sendable (EvaluationCase) throws -> Int
  ) {
    self.target = target
    self.measure = measure
  }

  /// The whole length of a case.
  package func of(_ example: EvaluationCase) throws -> Int { try measure(example) }

  /// Room for an answer that is a little longer than the perfect one, which has `count` tokens.
  package static func room(_ count: Int) -> Int { count + count / 4 + 16 }

  /// Less than this part of the length may remain unused.
  private static let tolerance = 0.01
  private static let mostTries = 16

  /// The cases that `make` makes of the greatest size with which all fit; throws `EvaluationError.tooShort`.
  ///
  /// Lengths grow nearly in proportion to sizes, so that the next size to try follows from the last two.
  package func fit(
    least: Int, _ make: (Int) throws -> [EvaluationCase]
  ) throws -> [EvaluationCase] {
    var best = try make(least)
    var low = (size: least, length: try longest(best))
    guard low.length <= target else { throw EvaluationError.tooShort(target, needed: low.length) }
    var high: (size: Int, length: Int)?
    var slope: Double?
    for _ in 0..<Self.mostTries {
      let isClose = Double(low.length) >= Double(target) * (1 - Self.tolerance)
      guard !isClose, low.size + 1 < high?.size ?? .max else { break }
      // Aims a little below the target, as only what fits counts.
      let missing = Double(target) * (1 - Self.tolerance / 2) - Double(low.length)
      var size = low.size + (slope.map { Int(missing / $0) } ?? max(8, low.size))
      size = min(max(size, low.size + 1), high.map { $0.size - 1 } ?? .max)
      let cases = try make(size)
      let length = try longest(cases)
      if length > low.length {
        slope = Double(length - low.length) / Double(size - low.size)
      }
      if length <= target {
        (best, low) = (cases, (size, length))
      } else {
        high = (size, length)
      }
    }
    return best
  }

  private func longest(_ cases: [EvaluationCase]) throws -> Int {
    try cases.reduce(0) { max($0, try measure($1)) }
  }

  /// The same for one case.
  package func fit(least: Int, _ make: (Int) throws -> EvaluationCase) throws -> EvaluationCase {
    try fit(least: least) { [try make($0)] }[0]
  }
}
