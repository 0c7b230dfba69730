import ApusCore
import Foundation

/// One task at one length in one configuration.
package struct EvaluationRow: Sendable {
  package var task: String
  package var length: Int
  package var config: String
  package var count: Int
  /// Mean of the scores, from 0 to 1, and its standard error; nil where one case says nothing about it.
  package var score: Double
  package var standardError: Double?
  package var details: [String: Double]
  /// The mean score at each depth, for a task that has depths.
  package var depths: [(depth: Double, score: Double, count: Int)]
  package var promptTokens: Double
  package var characters: Double

  /// Of the records of one task, length and configuration.
  init(_ records: [CaseRecord], config: String, task: any EvaluationTask) {
    self.task = records[0].key.task
    length = records[0].key.length
    self.config = config
    count = records.count
    func mean(_ value: (CaseRecord) -> Double) -> Double {
      records.reduce(0) { $0 + value($1) } / Double(records.count)
    }
    let total = task.total(records.map(\.score))
    score = total.value
    details = total.details
    let center = mean(\.score.value)
    let variance = mean { ($0.score.value - center) * ($0.score.value - center) }
    standardError = count > 1 ? (variance / Double(count - 1)).squareRoot() : nil
    let groups = Dictionary(grouping: records.filter { $0.depth != nil }) { $0.depth ?? 0 }
    depths = groups.map { depth, records in
      (
        depth, records.reduce(0) { $0 + $1.score.value } / Double(records.count), records.count
      )
    }.sorted { $0.0 < $1.0 }
    promptTokens = mean { Double($0.promptTokens) }
    characters = mean { Double($0.characters) }
  }

  package var json: JSONValue {
    var object = JSONObject([
      ("task", .string(task)), ("length", .integer(Int64(length))), ("config", .string(config)),
      ("n", .integer(Int64(count))), ("score", .number(score)),
      ("stderr", standardError.map { .number($0) } ?? .null),
      ("prompt_tokens", .number(promptTokens)),
      ("prompt_characters", .number(characters)),
    ])
    if !details.isEmpty {
      object["details"] = .object(
        JSONObject(details.sorted { $0.key < $1.key }.map { ($0.key, .number($0.value)) }))
    }
    if !depths.isEmpty {
      object["depths"] = .array(
        depths.map {
          [
            "depth": .number($0.depth), "score": .number($0.score),
            "n": .integer(Int64($0.count)),
          ]
        })
    }
    return .object(object)
  }
}

/// What a run found, as a table, as JSON and as a picture.
package struct EvaluationReport: Sendable {
  package private(set) var rows: [EvaluationRow] = []
  package private(set) var comparisons: [EvaluationComparison] = []
  private let evaluation: Evaluation

  package init(_ evaluation: Evaluation) { self.evaluation = evaluation }

  /// Adds the records of a configuration.
  package mutating func add(_ records: [CaseRecord], config: String) {
    for (name, task) in evaluation.tasks {
      for length in evaluation.lengths.sorted() {
        let own = records.filter { $0.key.task == name && $0.key.length == length }
        if !own.isEmpty { rows.append(EvaluationRow(own, config: config, task: task)) }
      }
    }
  }

  /// Compares two configurations on the same cases, task by task, and on all of them.
  package mutating func compare(
    _ first: [CaseRecord], _ second: [CaseRecord], names: (String, String)
  ) {
    let sizes = Dictionary(
      evaluation.tasks.map { ($0.name, $0.task.questionsPerDocument) },
      uniquingKeysWith: { first, _ in first })
    func add(_ task: String, _ length: Int?, _ isIncluded: (CaseRecord) -> Bool) {
      let comparison = EvaluationComparison(
        task: task, length: length, names: names, first.filter(isIncluded),
        second.filter(isIncluded), questionsPerDocument: sizes, seed: evaluation.seed)
      if let comparison { comparisons.append(comparison) }
    }
    for (name, _) in evaluation.tasks {
      for length in evaluation.lengths.sorted() {
        add(name, length) { $0.key.task == name && $0.key.length == length }
      }
    }
    if evaluation.tasks.count * evaluation.lengths.count > 1 { add("all", nil) { _ in true } }
  }

  package var json: JSONValue {
    var object = JSONObject([
      ("seed", .string("\(evaluation.seed)")), ("samples", .integer(Int64(evaluation.samples))),
      ("unit", .string(evaluation.unit.rawValue)), ("rows", .array(rows.map(\.json))),
    ])
    if !comparisons.isEmpty { object["comparisons"] = .array(comparisons.map(\.json)) }
    return .object(object)
  }

  // MARK: For people

  /// A line a task and configuration, a column a length; then what the comparison says.
  package var lines: [String] {
    let lengths = evaluation.lengths.sorted()
    let configs = Self.unique(rows.map(\.config))
    let nameWidth = max(4, evaluation.tasks.map(\.name.count).max() ?? 0)
    func line(_ name: String, _ cells: [String]) -> String {
      let name = name.padding(toLength: max(nameWidth, name.count), withPad: " ", startingAt: 0)
      return cells.reduce(name) { $0 + String(repeating: " ", count: max(1, 16 - $1.count)) + $1 }
    }
    var lines: [String] = []
    for config in configs {
      if configs.count > 1 { lines.append(config) }
      lines.append(line("task", lengths.map(Self.lengthText)))
      let own = rows.filter { $0.config == config }
      for name in Self.unique(own.map(\.task)) {
        lines.append(
          line(
            name,
            lengths.map { length in
              own.first { $0.task == name && $0.length == length }.map {
                "\(Self.text($0.score)) ± \($0.standardError.map { Self.text($0) } ?? "    -")"
              } ?? "-"
            }))
      }
      if evaluation.tasks.count > 1 {
        lines.append(
          line(
            "mean",
            lengths.map { length in
              let scores = own.filter { $0.length == length }.map(\.score)
              return scores.isEmpty
                ? "-" : Self.text(scores.reduce(0, +) / Double(scores.count)) + "       "
            }))
      }
    }
    return lines + comparisons.map(\.line)
  }

  /// A line a row that has details.
  package var detailLines: [String] { detailLines { _ in true } }

  /// The same of tasks that score log-probabilities, of which the score alone says little.
  package var scoreDetailLines: [String] {
    let names = evaluation.tasks.filter { $0.task.measure != .answer }.map(\.name)
    return detailLines { names.contains($0.task) }
  }

  private func detailLines(_ isIncluded: (EvaluationRow) -> Bool) -> [String] {
    let hasConfigs = Set(rows.map(\.config)).count > 1
    return rows.filter { !$0.details.isEmpty && isIncluded($0) }.map { row in
      let details = row.details.sorted { $0.key < $1.key }.map { "\($0) \(Self.text($1, 4))" }
      let place = "\(row.task) at \(Self.lengthText(row.length))"
      return
        "\(place)\(hasConfigs ? ", \(row.config)" : ""): \(details.joined(separator: ", "))"
    }
  }

  private static func unique(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  static func text(_ number: Double, _ decimals: Int = 3) -> String {
    String(format: "%.\(decimals)f", number)
  }

  /// `4k` for 4096.
  static func lengthText(_ length: Int) -> String {
    length % 1024 == 0 ? "\(length / 1024)k" : "\(length)"
  }

  /// Score by depth and length of the tasks that have depths; nil when there are none.
  package var svg: String? {
    let grids = Self.unique(rows.filter { !$0.depths.isEmpty }.map { "\($0.task)\t\($0.config)" })
    guard !grids.isEmpty else { return nil }
    let configs = Self.unique(rows.map(\.config))
    let maps = grids.map { name in
      let own = rows.filter { "\($0.task)\t\($0.config)" == name }
      return HeatMap(
        title: own[0].task + (configs.count > 1 ? ", " + own[0].config : ""),
        xLabel: "length in \(evaluation.unit.rawValue)", yLabel: "depth in %",
        columns: own.map { Self.lengthText($0.length) },
        rows: Self.unique(own.flatMap { $0.depths.map { Self.percent($0.depth) } }),
        cells: own.enumerated().flatMap { column, row in
          row.depths.map {
            HeatMap.Cell(
              column: column, row: Self.percent($0.depth), value: $0.score,
              note: "\($0.count) cases")
          }
        })
    }
    return HeatMap.svg(maps)
  }

  private static func percent(_ depth: Double) -> String { text(depth * 100, 0) }
}
