/// The figures of a run, as `vllm bench serve` defines them.
package struct ServingMetrics: Sendable {
  /// The distributions that are reported, under the names of the fields.
  package enum Time: String, CaseIterable, Sendable {
    case ttft, tpot, itl, e2el
  }

  package let planned: Int
  package let completed: Int
  package let failed: Int
  package let abandoned: Int
  package let isStopped: Bool
  /// Seconds from the first arrival to the end of the last answer.
  package let duration: Double
  package let inputTokens: Int
  package let outputTokens: Int
  /// Tokens of prompts that the server had already; nil when it does not say.
  package let cachedTokens: Int?
  /// Whether the server counted the tokens of all answers.
  package let countsInput: Bool
  package let countsOutput: Bool
  /// Requests that kept the objective.
  package let good: Int
  package let objective: ServiceObjective
  package let mostTokensInASecond: Int
  package let mostAtOnce: Int
  /// Seconds by which a request was sent later than planned.
  package let greatestDelay: Double
  package let times: [Time: LatencyHistogram]
  /// How many requests failed in each way, and what the first of them said; the most frequent first.
  package let failures: [(kind: String, count: Int, first: LoadFailure)]

  package init(_ run: LoadRun, objective: ServiceObjective) {
    let answers = run.records.filter { $0.failure == nil }
    self.objective = objective
    planned = run.planned
    completed = answers.count
    failed = run.records.count - answers.count
    abandoned = run.abandoned
    isStopped = run.isStopped
    duration = Double(run.ended - run.started) / 1e9
    inputTokens = answers.reduce(0) { $0 + $1.inputTokens }
    outputTokens = answers.reduce(0) { $0 + $1.outputTokens }
    let cached = answers.compactMap(\.cachedTokens)
    cachedTokens = cached.isEmpty ? nil : cached.reduce(0, +)
    countsInput = answers.allSatisfy(\.countsInput)
    countsOutput = answers.allSatisfy(\.countsOutput)
    good = answers.count(where: objective.isMet)
    mostAtOnce = run.mostAtOnce
    mostTokensInASecond = Self.mostInASecond(answers, start: run.started)
    greatestDelay = Double(run.greatestDelay) / 1e9
    times = Self.times(answers)
    failures = Self.failures(run.records)
  }

  package var requestThroughput: Double { rate(completed) }
  package var requestGoodput: Double { rate(good) }
  package var outputThroughput: Double { rate(outputTokens) }
  package var totalTokenThroughput: Double { rate(inputTokens + outputTokens) }

  /// The share of all requests of the workload that kept the objective; failed ones and those not sent did not.
  package var attainment: Double { planned > 0 ? Double(good) / Double(planned) : 0 }

  /// The share of the requests that ended.
  package var shareKept: Double { Double(good) / Double(max(1, completed + failed)) }

  /// A percentile in milliseconds.
  package func milliseconds(_ time: Time, percentile: Double) -> Double {
    (times[time]?.percentile(percentile) ?? 0) / 1e6
  }

  private func rate(_ count: Int) -> Double { duration > 0 ? Double(count) / duration : 0 }

  private static func times(_ answers: [RequestRecord]) -> [Time: LatencyHistogram] {
    var ttft = LatencyHistogram()
    var tpot = LatencyHistogram()
    var itl = LatencyHistogram()
    var e2el = LatencyHistogram()
    for answer in answers {
      ttft.record(answer.timeToFirstToken)
      e2el.record(answer.latency)
      // An answer of one token has no time between tokens.
      if answer.outputTokens > 1, let time = answer.timePerOutputToken { tpot.record(Int64(time)) }
      for gap in answer.gaps { itl.record(gap) }
    }
    return [.ttft: ttft, .tpot: tpot, .itl: itl, .e2el: e2el]
  }

  /// Tokens in the second that had the most, counted from the start; those of an answer are spread over its pieces.
  private static func mostInASecond(_ answers: [RequestRecord], start: Int64) -> Int {
    var seconds: [Double] = []
    for answer in answers {
      let weight = Double(answer.outputTokens) / Double(max(1, answer.arrivals.count))
      for time in answer.arrivals {
        let second = Int(max(0, time - start) / 1_000_000_000)
        if second >= seconds.count {
          seconds.append(contentsOf: repeatElement(0, count: second + 1 - seconds.count))
        }
        seconds[second] += weight
      }
    }
    return Int((seconds.max() ?? 0).rounded())
  }

  private static func failures(
    _ records: [RequestRecord]
  ) -> [(kind: String, count: Int, first: LoadFailure)] {
    var kinds: [(kind: String, count: Int, first: LoadFailure)] = []
    for failure in records.compactMap(\.failure) {
      if let index = kinds.firstIndex(where: { $0.kind == failure.kind }) {
        kinds[index].count += 1
      } else {
        kinds.append((failure.kind, 1, failure))
      }
    }
    return kinds.sorted { ($1.count, $0.kind) < ($0.count, $1.kind) }
  }
}
