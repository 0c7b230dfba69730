import ApusCore
import ApusEvaluation
import Foundation

/// The measurements of `apus bench serve`: runs them, prints them and writes the files.
struct LoadMeasurement {
  let command: BenchServeCommand
  var benchmark: LoadBenchmark

  private var printsTable: Bool { command.json != "-" }

  func printHeader() throws {
    guard printsTable else { return }
    let target =
      "\(benchmark.client.address)\(command.endpoint.path), model \(benchmark.body.model)"
    try Output.line(
      "\(target)\n\(benchmark.requests.count) requests of \(command.workload.dataset)")
    try Output.line("prompts     \(benchmark.writer.explanation)")
  }

  // MARK: One run

  mutating func once() async throws {
    let run = await run(rate: nil, label: "requests")
    let metrics = ServingMetrics(run, objective: benchmark.options.objective)
    let report = ServingReport(metrics)
    if printsTable { for line in report.lines { try Output.line(line) } }
    var result = report.json(head: head)
    if command.saveDetailed {
      for (name, value) in ServingReport.details(run).entries { result[name] = value }
    }
    try write(result)
    try Self.checkInterruption()
    if metrics.completed == 0, let failure = metrics.failures.first {
      throw LoadMeasurementError.allFailed(count: failure.count, failure.first)
    }
  }

  // MARK: Sweep

  mutating func sweep(_ rates: [Double]) async throws {
    var curve = LatencyCurve(model: benchmark.body.model, points: [])
    for rate in rates where !Task.isCancelled {
      let run = await run(rate: rate, label: "rate \(Self.text(rate))")
      let metrics = ServingMetrics(run, objective: benchmark.options.objective)
      if metrics.isStopped { break }
      if curve.points.isEmpty { try printLine(Self.rowHead) }
      try printLine(Self.row(rate, metrics))
      curve.points.append((rate, metrics))
    }
    var result = head
    result["request_rate"] = nil
    result["sweep"] = curve.json
    try write(result)
    if let path = command.svg, let svg = curve.svg { try Output.write(svg, to: path) }
    try Self.checkInterruption()
    guard curve.points.contains(where: { $0.metrics.completed > 0 }) else {
      throw LoadMeasurementError.nothingAnswered(curve.points.first?.metrics.failures.first?.first)
    }
  }

  // MARK: Goodput

  mutating func findGoodput() async throws {
    let count = benchmark.requests.count
    let given = benchmark.arrivals.rate
    var search = GoodputSearch(
      attain: command.traffic.attain, start: given.isFinite ? given : 1,
      limits: 1e-3...Double(count) * Self.mostPerRequest)
    var tries: [JSONValue] = []
    try printLine(Self.rowHead)
    while let rate = search.next, !Task.isCancelled {
      let run = await run(
        rate: rate, label: "rate \(Self.text(rate))",
        allowedMisses: search.allowedMisses(of: count))
      if Task.isCancelled { break }
      let metrics = ServingMetrics(run, objective: benchmark.options.objective)
      search.record(
        rate, attained: metrics.attainment, wereAlone: metrics.mostAtOnce <= 1)
      try printLine(Self.row(rate, metrics))
      tries.append(
        .object(
          ServingReport(metrics).json(
            head: JSONObject([
              ("request_rate", .rate(rate)), ("attained", .number(metrics.attainment)),
            ]))))
      if metrics.completed == 0, let failure = metrics.failures.first {
        throw LoadMeasurementError.allFailed(count: failure.count, failure.first)
      }
    }
    var result = head
    result["request_rate"] = nil
    result["attain"] = .number(search.attain)
    result["goodput_rate"] = search.best.map { .number($0) } ?? .null
    result["goodput_settled"] = .bool(search.isSettled)
    result["tries"] = .array(tries)
    try write(result)
    try printLine(Self.conclusion(search))
    try Self.checkInterruption()
  }

  /// Rates above this many times the number of requests send all within a tenth of a second.
  private static let mostPerRequest = 10.0

  private static func conclusion(_ search: GoodputSearch) -> String {
    let share = "\((search.attain * 100).formatted(decimals: 0)) % of the requests"
    guard let best = search.best else {
      return "goodput     no rate tried keeps \(share) within the limits"
        + (search.missesAlone ? ": requests miss them when they are alone with the server" : "")
    }
    let rate = "goodput     \(Self.text(best)) requests/s keep \(share) within the limits"
    if search.isSettled { return rate }
    return rate
      + (search.worst == nil ? "; no rate tried was too high: give more --num-prompts" : "")
  }

  // MARK: Common

  private mutating func run(
    rate: Double?, label: String, allowedMisses: Int = .max
  ) async -> LoadRun {
    let bar = ProgressBar(label, quiet: command.global.quiet)
    defer { bar.finish() }
    let count = benchmark.requests.count
    return await benchmark.run(rate: rate, allowedMisses: allowedMisses) { progress in
      let failed = progress.failed > 0 ? ", \(progress.failed) failed" : ""
      bar.update(
        progress.finished, of: count,
        detail: "\(progress.finished)/\(count), \(progress.inFlight) under way\(failed)")
    }
  }

  /// What was asked for.
  private var head: JSONObject {
    let objective = benchmark.options.objective
    func limit(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
    let isTraced =
      command.traffic.requestRate == nil && benchmark.requests.allSatisfy { $0.arrival != nil }
    return JSONObject([
      ("date", .string(Date.now.formatted(.iso8601))), ("backend", "openai"),
      ("base_url", .string("\(benchmark.client.address)")),
      ("endpoint", .string(command.endpoint.path)), ("model_id", .string(benchmark.body.model)),
      ("dataset", .string("\(command.workload.dataset)")),
      ("num_prompts", .integer(Int64(benchmark.requests.count))),
      ("request_rate", isTraced ? "trace" : .rate(benchmark.arrivals.rate)),
      ("burstiness", .number(benchmark.arrivals.burstiness)),
      (
        "max_concurrency", command.traffic.maxConcurrency.map { .integer(Int64($0)) } ?? .null
      ),
      ("seed", .string("\(command.workload.seed)")),
      ("prompt_lengths", .string(benchmark.writer.method.rawValue)),
      ("prompt_overhead_tokens", .integer(Int64(benchmark.writer.overhead))),
      (
        "goodput_limits_ms",
        [
          "ttft": limit(objective.timeToFirstToken), "tpot": limit(objective.timePerOutputToken),
          "e2el": limit(objective.latency),
        ]
      ),
    ])
  }

  private static let rowHead = line([
    "rate", "answered/s", "tokens/s", "within %", "ttft p50", "ttft p99", "tpot p50", "tpot p99",
    "failed",
  ])

  private static func row(_ rate: Double, _ metrics: ServingMetrics) -> String {
    let times = [ServingMetrics.Time.ttft, .tpot].flatMap { time in
      [50.0, 99].map { metrics.milliseconds(time, percentile: $0).formatted(decimals: 1) }
    }
    return line(
      [
        text(rate), metrics.requestThroughput.formatted(decimals: 2),
        metrics.outputThroughput.formatted(decimals: 1),
        (metrics.isStopped ? "< " : "") + (metrics.shareKept * 100).formatted(decimals: 1),
      ] + times + ["\(metrics.failed)"])
  }

  private static func line(_ cells: [String]) -> String {
    cells.map { String(repeating: " ", count: max(1, 11 - $0.count)) + $0 }.joined()
  }

  private static func text(_ rate: Double) -> String {
    rate.isFinite ? rate.formatted(decimals: rate < 1 ? 4 : 2) : "inf"
  }

  private func printLine(_ line: String) throws { if printsTable { try Output.line(line) } }

  private func write(_ result: JSONObject) throws {
    switch command.json {
    case "-": try Output.json(.object(result))
    case let path?: try Output.write(JSONValue.object(result).text + "\n", to: path)
    case nil: break
    }
  }

  /// After Ctrl-C, once what there is has been printed.
  private static func checkInterruption() throws {
    if Task.isCancelled { throw CancellationError() }
  }
}

enum LoadMeasurementError: Error, CustomStringConvertible {
  case allFailed(count: Int, LoadFailure)
  case nothingAnswered(LoadFailure?)

  var description: String {
    switch self {
    case .allFailed(let count, let failure): "no request was answered; \(count) × \(failure)"
    case .nothingAnswered(let failure):
      "no request was answered" + (failure.map { "; \($0)" } ?? "")
    }
  }
}
