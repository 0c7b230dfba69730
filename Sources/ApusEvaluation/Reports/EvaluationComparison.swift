import ApusCore

/// Whether two configurations differ by more than chance on the same cases: a paired bootstrap.
package struct EvaluationComparison: Sendable {
  package let task: String
  /// nil when cases of all lengths are compared.
  package let length: Int?
  package let names: (String, String)
  package let count: Int
  package let means: (Double, Double)
  /// The second configuration's mean score less the first's.
  package let difference: Double
  /// Between these lie 95 % of the differences of resampled cases.
  package let interval: ClosedRange<Double>
  /// How often chance alone gives a difference as great (two-sided).
  package let p: Double

  package static let resamples = 10_000

  package var isLargerThanChance: Bool { !interval.contains(0) }

  /// nil when no case is in both.
  package init?(
    task: String, length: Int?, names: (String, String), _ first: [CaseRecord],
    _ second: [CaseRecord], seed: UInt64
  ) {
    func scores(_ records: [CaseRecord]) -> [Place: Double] {
      Dictionary(records.map { (Place($0.key), $0.score.value) }, uniquingKeysWith: { $1 })
    }
    let (own, other) = (scores(first), scores(second))
    let places = own.keys.filter { other[$0] != nil }.sorted()
    guard !places.isEmpty else { return nil }
    let pairs = places.map { (own[$0] ?? 0, other[$0] ?? 0) }
    let sums = pairs.reduce((0.0, 0.0)) { ($0.0 + $1.0, $0.1 + $1.1) }
    count = pairs.count
    means = (sums.0 / Double(count), sums.1 / Double(count))
    difference = means.1 - means.0
    self.task = task
    self.length = length
    self.names = names
    (interval, p) = Self.bootstrap(pairs.map { $0.1 - $0.0 }, seed: seed)
  }

  /// A case, whatever the configuration.
  private struct Place: Hashable, Comparable {
    let task: String
    let length: Int
    let number: Int

    init(_ key: CaseKey) {
      task = key.task
      length = key.length
      number = key.number
    }

    static func < (a: Place, b: Place) -> Bool {
      (a.task, a.length, a.number) < (b.task, b.length, b.number)
    }
  }

  static func bootstrap(
    _ differences: [Double], seed: UInt64
  ) -> (interval: ClosedRange<Double>, p: Double) {
    var random = RandomSource(seed: seed)
    var means: [Double] = []
    means.reserveCapacity(resamples)
    for _ in 0..<resamples {
      var sum = 0.0
      for _ in differences.indices {
        sum += differences[Int(random.next(upperBound: UInt64(differences.count)))]
      }
      means.append(sum / Double(differences.count))
    }
    means.sort()
    let low = means[resamples / 40]
    let high = means[resamples - 1 - resamples / 40]
    let (below, above) = (means.count { $0 <= 0 }, means.count { $0 >= 0 })
    return (low...high, min(1, 2 * Double(min(below, above) + 1) / Double(resamples + 1)))
  }

  package var json: JSONValue {
    [
      "task": .string(task), "length": length.map { .integer(Int64($0)) } ?? .null,
      "configs": [.string(names.0), .string(names.1)], "n": .integer(Int64(count)),
      "scores": [.number(means.0), .number(means.1)], "difference": .number(difference),
      "interval": [.number(interval.lowerBound), .number(interval.upperBound)], "p": .number(p),
      "larger_than_chance": .bool(isLargerThanChance),
    ]
  }

  package var line: String {
    func text(_ value: Double) -> String { EvaluationReport.text(value) }
    let place = length.map { " at \(EvaluationReport.lengthText($0))" } ?? ""
    return
      "\(task)\(place): \(text(means.0)) and \(text(means.1)), difference \(text(difference))"
      + " (95 %: \(text(interval.lowerBound)) to \(text(interval.upperBound)), p \(text(p))),"
      + " \(isLargerThanChance ? "larger" : "not larger") than chance"
  }
}
