import ApusCore

/// Whether two configurations differ by more than chance on the same cases.
///
/// Cases about the same document are drawn and exchanged together, as they are not independent.
package struct EvaluationComparison: Sendable {
  package let task: String
  /// nil when cases of all lengths are compared.
  package let length: Int?
  package let names: (String, String)
  package let count: Int
  /// Groups of cases that do not share a document.
  package let documentCount: Int
  /// Of the cases' scores.
  package let means: (Double, Double)
  /// The second configuration's mean score less the first's.
  package let difference: Double
  /// Between these lie 95 % of the differences of resampled documents (paired bootstrap).
  package let interval: ClosedRange<Double>
  /// How often chance alone gives a difference as great (two-sided): the larger of what resampled documents say and of
  /// what documents say whose configurations are exchanged at random.
  package let p: Double

  package static let resamples = 10_000
  /// With fewer documents nothing is said about chance.
  package static let fewestDocuments = 10

  /// nil when there are too few documents to tell.
  package var isLargerThanChance: Bool? {
    documentCount < Self.fewestDocuments ? nil : p < 0.05 && !interval.contains(0)
  }

  /// nil when no case is in both; `questionsPerDocument` is that of each task, one if it is not given.
  package init?(
    task: String, length: Int?, names: (String, String), _ first: [CaseRecord],
    _ second: [CaseRecord], questionsPerDocument: [String: Int] = [:], seed: UInt64
  ) {
    func scores(_ records: [CaseRecord]) -> [Place: Double] {
      Dictionary(records.map { (Place($0.key), $0.score.value) }, uniquingKeysWith: { $1 })
    }
    let (own, other) = (scores(first), scores(second))
    let places = own.keys.filter { other[$0] != nil }.sorted()
    guard !places.isEmpty else { return nil }
    var sums = (0.0, 0.0)
    var groups: [Group] = []
    var last: Place?
    for place in places {
      let pair = (own[place] ?? 0, other[place] ?? 0)
      sums = (sums.0 + pair.0, sums.1 + pair.1)
      let document = place.document(of: questionsPerDocument[place.task] ?? 1)
      if document != last { groups.append(Group()) }
      last = document
      groups[groups.count - 1].sum += pair.1 - pair.0
      groups[groups.count - 1].count += 1
    }
    count = places.count
    documentCount = groups.count
    means = (sums.0 / Double(count), sums.1 / Double(count))
    difference = means.1 - means.0
    self.task = task
    self.length = length
    self.names = names
    var random = RandomSource(seed: seed)
    let resampled = Self.bootstrap(groups, &random)
    interval = resampled.interval
    p = max(resampled.p, Self.exchange(groups, &random))
  }

  /// A case, whatever the configuration.
  private struct Place: Hashable, Comparable {
    let task: String
    let length: Int
    var number: Int

    init(_ key: CaseKey) {
      task = key.task
      length = key.length
      number = key.number
    }

    /// The first case that may share its document.
    func document(of size: Int) -> Place {
      var first = self
      first.number -= number % size
      return first
    }

    static func < (a: Place, b: Place) -> Bool {
      (a.task, a.length, a.number) < (b.task, b.length, b.number)
    }
  }

  /// The differences of the cases of a document.
  private struct Group {
    var sum = 0.0
    var count = 0
  }

  /// Draws as many documents as there are, again and again.
  private static func bootstrap(
    _ groups: [Group], _ random: inout RandomSource
  ) -> (interval: ClosedRange<Double>, p: Double) {
    var means: [Double] = []
    means.reserveCapacity(resamples)
    for _ in 0..<resamples {
      var (sum, count) = (0.0, 0)
      for _ in groups.indices {
        let group = groups[Int(random.next(upperBound: UInt64(groups.count)))]
        sum += group.sum
        count += group.count
      }
      means.append(sum / Double(count))
    }
    means.sort()
    let low = means[resamples / 40]
    let high = means[resamples - 1 - resamples / 40]
    let (below, above) = (means.count { $0 <= 0 }, means.count { $0 >= 0 })
    return (low...high, min(1, 2 * Double(min(below, above) + 1) / Double(resamples + 1)))
  }

  /// Exchanges the configurations of each document by chance; the part of such differences that are as great.
  private static func exchange(_ groups: [Group], _ random: inout RandomSource) -> Double {
    let sums = groups.map(\.sum).filter { $0 != 0 }
    // Sums in another order may differ in their last digits.
    let least = abs(sums.reduce(0, +)) - 1e-9
    let reached = (0..<resamples).count { _ in
      var bits: UInt64 = 0
      var sum = 0.0
      for (index, difference) in sums.enumerated() {
        if index % 64 == 0 { bits = random.next() }
        sum += bits & 1 == 0 ? difference : -difference
        bits >>= 1
      }
      return abs(sum) >= least
    }
    return Double(reached + 1) / Double(resamples + 1)
  }

  package var json: JSONValue {
    [
      "task": .string(task), "length": length.map { .integer(Int64($0)) } ?? .null,
      "configs": [.string(names.0), .string(names.1)], "n": .integer(Int64(count)),
      "documents": .integer(Int64(documentCount)),
      "scores": [.number(means.0), .number(means.1)], "difference": .number(difference),
      "interval": [.number(interval.lowerBound), .number(interval.upperBound)], "p": .number(p),
      "larger_than_chance": isLargerThanChance.map { .bool($0) } ?? .null,
    ]
  }

  package var line: String {
    func text(_ value: Double) -> String { EvaluationReport.text(value) }
    let place = length.map { " at \(EvaluationReport.lengthText($0))" } ?? ""
    let verdict =
      switch isLargerThanChance {
      case nil: "too few documents to tell it from chance"
      case true?: "larger than chance"
      case false?: "not larger than chance"
      }
    return
      "\(task)\(place): \(text(means.0)) and \(text(means.1)), difference \(text(difference))"
      + " (95 %: \(text(interval.lowerBound)) to \(text(interval.upperBound)), p \(text(p))), "
      + verdict
  }
}
