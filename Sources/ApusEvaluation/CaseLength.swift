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

  /// The cases that `make` makes of a size with which all fit; throws `EvaluationError.tooShort` if not even `least` does.
  ///
  /// The longest fills the length but for 1 %, or with a size more it would be too long, or larger sizes change nothing.
  package func fit(
    least: Int, _ make: (Int) throws -> [EvaluationCase]
  ) throws -> [EvaluationCase] {
    var best = try make(least)
    var bestLength = try longest(best)
    guard bestLength <= target else { throw EvaluationError.tooShort(target, needed: bestLength) }
    var search = SizeSearch(least, length: bestLength, target: target, tolerance: Self.tolerance)
    while Double(bestLength) < Double(target) * (1 - Self.tolerance), let size = search.next {
      let cases = try make(size)
      let length = try longest(cases)
      if search.isDoubled, cases == best { break }
      search.note(size, length: length)
      if (bestLength...target).contains(length) { (best, bestLength) = (cases, length) }
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

/// Looks for the greatest size whose length is at most a target.
///
/// Lengths grow nearly in proportion to sizes, so that the next size to try follows from the last two; where that does
/// not lead on, it is the middle of those that come into question.
private struct SizeSearch {
  private let target: Int
  private let tolerance: Double
  private var low: (size: Int, length: Int)
  /// The smallest size known to be too long.
  private var high: Int?
  private var slope: Double?
  private var hasHalved = true

  init(_ size: Int, length: Int, target: Int, tolerance: Double) {
    self.target = target
    self.tolerance = tolerance
    low = (size, length)
  }

  /// Whether the next size is at least twice as large as what fits.
  var isDoubled: Bool { high == nil && slope == nil }

  /// nil when no size is left to try.
  var next: Int? {
    // Aims a little below the target, as only what fits counts.
    let missing = Double(target) * (1 - tolerance / 2) - Double(low.length)
    let guess = low.size + max(1, slope.map { Int(missing / $0) } ?? max(8, low.size))
    guard let high else { return guess }
    guard low.size + 1 < high else { return nil }
    return hasHalved && guess < high ? guess : low.size + (high - low.size) / 2
  }

  mutating func note(_ size: Int, length: Int) {
    let width = high.map { $0 - low.size } ?? .max
    slope = length > low.length ? Double(length - low.length) / Double(size - low.size) : nil
    if length <= target { low = (size, length) } else { high = size }
    hasHalved = high.map { $0 - low.size <= width / 2 } ?? true
  }
}
