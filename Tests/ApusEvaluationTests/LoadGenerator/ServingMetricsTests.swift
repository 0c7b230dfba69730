import ApusCore
import ApusEvaluation
import Testing

@Suite struct ServingMetricsTests {
  private static let millisecond: Int64 = 1_000_000

  /// Answers at 0, 500, 1000 and 1500 ms whose tokens come `first` after the request and then each `gap`.
  private static func run() -> LoadRun {
    let plans: [(sent: Int64, first: Int64, gap: Int64, tokens: Int)] = [
      (0, 100, 10, 11), (500, 200, 20, 11), (1000, 300, 30, 11), (1500, 400, 0, 1),
    ]
    var records = plans.enumerated().map { index, plan in
      var record = RequestRecord(
        index: index, sent: (1000 + plan.sent) * millisecond, inputTokens: 50)
      record.arrivals = (0..<plan.tokens).map {
        record.sent + (plan.first + Int64($0) * plan.gap) * millisecond
      }
      record.ended = record.arrivals[plan.tokens - 1]
      record.outputTokens = plan.tokens
      return record
    }
    var failure = RequestRecord(index: 4, sent: 2000 * millisecond, inputTokens: 50)
    failure.failure = .status(503, "busy")
    records.append(failure)
    return LoadRun(
      records: records, planned: 5, started: 1000 * millisecond, ended: 3000 * millisecond,
      mostAtOnce: 3, greatestDelay: 0, abandoned: 0, isStopped: false)
  }

  @Test func figures() {
    let metrics = ServingMetrics(
      Self.run(), objective: ServiceObjective(timeToFirstToken: 350, timePerOutputToken: 25))
    #expect(metrics.completed == 4 && metrics.failed == 1)
    #expect(metrics.duration == 2)
    #expect(metrics.requestThroughput == 2)
    #expect(metrics.outputThroughput == 17)
    #expect(metrics.totalTokenThroughput == 117)
    #expect(metrics.good == 2)
    #expect(metrics.requestGoodput == 1)
    #expect(metrics.attainment == 0.4)
    #expect(metrics.mostTokensInASecond == 22)
    #expect(metrics.failures.map(\.kind) == ["HTTP status 503"])
  }

  @Test func fieldsAreThoseOfVLLM() throws {
    let metrics = ServingMetrics(
      Self.run(), objective: ServiceObjective(timeToFirstToken: 350, timePerOutputToken: 25))
    let object = ServingReport(metrics).json()
    func number(_ name: String) throws -> Double { try #require(object[name]?.doubleValue) }
    #expect(object["completed"] == 4 && object["failed"] == 1)
    #expect(object["total_input_tokens"] == 200 && object["total_output_tokens"] == 34)
    #expect(try number("mean_ttft_ms") == 250)
    #expect(abs(try number("median_ttft_ms") - 250) < 0.25)
    #expect(abs(try number("p50_ttft_ms") - 250) < 0.25)
    #expect(abs(try number("p90_ttft_ms") - 370) < 0.37)
    #expect(abs(try number("p99_ttft_ms") - 397) < 0.4)
    #expect(abs(try number("std_ttft_ms") - 111.803_398_874_99) < 1e-6)
    #expect(try number("mean_tpot_ms") == 20)
    #expect(abs(try number("median_itl_ms") - 20) < 0.02)
    #expect(try number("max_itl_ms") == 30)
    #expect(try number("mean_e2el_ms") == 400)
    #expect(try number("request_goodput") == 1)
    for time in ["ttft", "tpot", "itl", "e2el"] {
      for figure in ["mean", "median", "std", "p50", "p90", "p99", "max"] {
        #expect(object["\(figure)_\(time)_ms"] != nil, "\(figure)_\(time)_ms")
      }
    }
    for name in [
      "duration", "request_throughput", "output_throughput", "total_token_throughput",
      "max_output_tokens_per_s", "max_concurrent_requests",
    ] { #expect(object[name] != nil, "\(name)") }
    let withoutLimits = ServingMetrics(Self.run(), objective: ServiceObjective())
    #expect(ServingReport(withoutLimits).json()["request_goodput"] == JSONValue.null)
  }

  @Test func tableNamesFailures() {
    let metrics = ServingMetrics(Self.run(), objective: ServiceObjective(latency: 1000))
    let lines = ServingReport(metrics).lines
    #expect(lines.contains("failed      1 × HTTP status 503: busy"))
    #expect(lines.contains { $0.hasPrefix("goodput     2.00 requests/s, 80.0 %") })
    #expect(lines.contains { $0.hasPrefix("ttft") && $0.contains("250.00") })
  }

  @Test func objectivesAreRead() throws {
    let objective = try ServiceObjective(parsing: ["ttft:200", "tpot:50.5 e2el:3000"])
    #expect(
      objective
        == ServiceObjective(timeToFirstToken: 200, timePerOutputToken: 50.5, latency: 3000))
    #expect(throws: ObjectiveError.malformed("itl:3")) { try ServiceObjective(parsing: ["itl:3"]) }
    #expect(throws: ObjectiveError.malformed("ttft:-1")) {
      try ServiceObjective(parsing: ["ttft:-1"])
    }
  }
}
