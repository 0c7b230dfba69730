import ApusCore

/// A trip that keeps to flights and to days in each town (LongProc's travel planning, arXiv:2501.05414).
struct TravelPlan: AnswerTask {
  private let towns: Int?

  init(options: PluginOptions) throws { towns = try options.int("towns", in: 2...20) }

  let leastSize = 20
  private static let usualCount = 3...5

  func makeCase(size: Int, number: Int, using random: inout RandomSource) -> EvaluationCase {
    let count = towns ?? random.number(in: Self.usualCount)
    let names = random.distinct(count + 3 + size / 4) { $0.town() }
    let (trip, others) = (Array(names.prefix(count)), Array(names.dropFirst(count)))
    let days = trip.map { _ in random.number(in: 1...4) }
    var lines = (Array(zip(trip, trip.dropFirst())) + Array(zip(others, others.dropFirst())))
      .map { Self.flight($0, $1) }
    lines += zip(trip, days).map { Self.stay($1, $0) }
    var day = 1
    let plan = zip(trip, days).map { town, stay in
      defer { day += stay }
      return Self.line(day, stay, town)
    }
    return EvaluationCase(
      document: Haystack(.prose).text(
        max(0, size - lines.count), scattering: random.shuffled(lines), &random),
      question:
        "Plan the trip: \(trip.sorted().joined(separator: ", ")) starting in \(trip[0]), using only listed flights.",
      answer: plan.joined(separator: "\n"), expected: zip(trip, days).map { "\($0)\t\($1)" })
  }

  private static func flight(_ from: String, _ to: String) -> String {
    "Flights from \(from) go to \(to)."
  }

  private static func stay(_ days: Int, _ town: String) -> String {
    "Stay \(days) \(days == 1 ? "day" : "days") in \(town)."
  }

  private static func line(_ first: Int, _ days: Int, _ town: String) -> String {
    days == 1 ? "Day \(first): \(town)" : "Day \(first)-\(first + days - 1): \(town)"
  }

  /// All towns, each for its days, one day after the other, from the start, along flights.
  func score(_ answer: String, for example: EvaluationCase) -> TaskScore {
    let lines = answer.filledLines
    let days = Dictionary(
      example.expected.compactMap { entry -> (String, Int)? in
        let parts = entry.split(separator: "\t")
        return parts.count == 2 ? Int(parts[1]).map { (String(parts[0]), $0) } : nil
      }, uniquingKeysWith: { first, _ in first })
    var day = 1
    var kept = 0
    var visited: [String] = []
    for line in lines {
      let town = line.split(separator: ":").last.map { String($0).trimmed } ?? ""
      guard let stay = days[town], !visited.contains(town) else { break }
      let flies = visited.last.map { example.document.contains(Self.flight($0, town)) }
      guard flies ?? example.question.contains("starting in \(town),"),
        line == Self.line(day, stay, town)
      else { break }
      visited.append(town)
      day += stay
      kept += 1
    }
    return TaskScore(
      kept == days.count && kept == lines.count,
      details: ["towns": Double(kept) / Double(days.count)])
  }
}
