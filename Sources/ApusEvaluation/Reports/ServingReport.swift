import ApusCore
import Foundation

/// A run as JSON, with the names of `vllm bench serve`, and as a table for people.
package struct ServingReport: Sendable {
  package static let percentiles = [50.0, 90, 99]

  let metrics: ServingMetrics

  package init(_ metrics: ServingMetrics) { self.metrics = metrics }

  /// The figures; `head` stands before them.
  package func json(head: JSONObject = JSONObject()) -> JSONObject {
    var object = head
    object["duration"] = .number(metrics.duration)
    object["completed"] = count(metrics.completed)
    object["failed"] = count(metrics.failed)
    if metrics.isStopped {
      object["stopped"] = true
      object["abandoned"] = count(metrics.abandoned)
    }
    object["total_input_tokens"] = count(metrics.inputTokens)
    object["total_output_tokens"] = count(metrics.outputTokens)
    object["total_cached_tokens"] = metrics.cachedTokens.map(count) ?? .null
    object["input_tokens_from"] = metrics.countsInput ? "usage" : "request"
    object["output_tokens_from"] = metrics.countsOutput ? "usage" : "chunks"
    object["request_throughput"] = .number(metrics.requestThroughput)
    object["request_goodput"] =
      metrics.objective == ServiceObjective() ? .null : .number(metrics.requestGoodput)
    object["output_throughput"] = .number(metrics.outputThroughput)
    object["total_token_throughput"] = .number(metrics.totalTokenThroughput)
    object["max_output_tokens_per_s"] = count(metrics.mostTokensInASecond)
    object["max_concurrent_requests"] = count(metrics.mostAtOnce)
    object["max_send_delay_ms"] = .number(metrics.greatestDelay * 1000)
    for time in ServingMetrics.Time.allCases { add(time, to: &object) }
    object["errors"] = .array(
      metrics.failures.map {
        [
          "kind": .string($0.kind), "count": count($0.count),
          "first": .string($0.first.description),
        ]
      })
    return object
  }

  private func add(_ time: ServingMetrics.Time, to object: inout JSONObject) {
    guard let histogram = metrics.times[time] else { return }
    let name = time.rawValue
    object["mean_\(name)_ms"] = .number(histogram.mean / 1e6)
    object["median_\(name)_ms"] = .number(histogram.percentile(50) / 1e6)
    object["std_\(name)_ms"] = .number(histogram.deviation / 1e6)
    for percentile in Self.percentiles {
      object["p\(Int(percentile))_\(name)_ms"] = .number(histogram.percentile(percentile) / 1e6)
    }
    object["max_\(name)_ms"] = .number(histogram.maximum / 1e6)
  }

  /// Each request's own figures, as `--save-detailed` has them; seconds.
  package static func details(_ run: LoadRun) -> JSONObject {
    func seconds(_ nanoseconds: Int64) -> JSONValue { .number(Double(nanoseconds) / 1e9) }
    let records = run.records
    return JSONObject([
      ("input_lens", .array(records.map { .integer(Int64($0.inputTokens)) })),
      ("output_lens", .array(records.map { .integer(Int64($0.outputTokens)) })),
      (
        "ttfts",
        .array(records.map { $0.arrivals.isEmpty ? 0.0 : seconds($0.timeToFirstToken) })
      ),
      ("itls", .array(records.map { .array($0.gaps.map(seconds)) })),
      ("start_times", .array(records.map { seconds($0.sent - run.started) })),
      ("error_texts", .array(records.map { .string($0.failure?.description ?? "") })),
    ])
  }

  private func count(_ number: Int) -> JSONValue { .integer(Int64(number)) }

  // MARK: For people

  /// The lines of the table.
  package var lines: [String] {
    var lines = [requestLine]
    if metrics.completed > 0 {
      lines += [tokenLine, throughputLine]
      if metrics.objective != ServiceObjective() { lines.append(goodputLine) }
      lines.append(
        "peak        \(metrics.mostAtOnce) requests at once, \(metrics.mostTokensInASecond) output tokens in one second"
      )
      lines += timeLines
    }
    for failure in metrics.failures {
      lines.append("failed      \(failure.count) × \(failure.first)")
    }
    if metrics.greatestDelay > Self.noticedDelay {
      lines.append(
        "caution     a request was sent \(Self.text(metrics.greatestDelay, 2)) s later than planned: this program's machine is too busy"
      )
    }
    return lines
  }

  /// Seconds of delay that falsify a measurement.
  private static let noticedDelay = 0.05

  private var requestLine: String {
    var line = "requests    \(metrics.completed) of \(metrics.planned) completed"
    if metrics.failed > 0 { line += ", \(metrics.failed) failed" }
    if metrics.isStopped { line += ", stopped with \(metrics.abandoned) under way" }
    return line + " in \(Self.text(metrics.duration, 2)) s"
  }

  private var tokenLine: String {
    let cached = metrics.cachedTokens.map { ", \($0) of them cached" } ?? ""
    return
      "tokens      \(metrics.inputTokens) in (\(metrics.countsInput ? "usage" : "as asked")\(cached)), "
      + "\(metrics.outputTokens) out (\(metrics.countsOutput ? "usage" : "chunks"))"
  }

  private var throughputLine: String {
    "throughput  \(Self.text(metrics.requestThroughput, 2)) requests/s, "
      + "\(Self.text(metrics.outputThroughput, 1)) output tokens/s, "
      + "\(Self.text(metrics.totalTokenThroughput, 1)) tokens/s"
  }

  private var goodputLine: String {
    "goodput     \(Self.text(metrics.requestGoodput, 2)) requests/s, "
      + "\(Self.text(metrics.shareKept * 100, 1)) % of the requests within \(metrics.objective)"
  }

  private var timeLines: [String] {
    let names = ["mean", "median", "std", "p90", "p99", "max"]
    let head = "ms          " + names.map { Self.padded($0, 11) }.joined()
    return [head]
      + ServingMetrics.Time.allCases.compactMap { time in
        guard let histogram = metrics.times[time], histogram.count > 0 else { return nil }
        let values = [
          histogram.mean, histogram.percentile(50), histogram.deviation, histogram.percentile(90),
          histogram.percentile(99), histogram.maximum,
        ]
        let name = time.rawValue + String(repeating: " ", count: 12 - time.rawValue.count)
        return name + values.map { Self.padded(Self.text($0 / 1e6, 2), 11) }.joined()
      }
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(1, width - text.count)) + text
  }

  static func text(_ number: Double, _ decimals: Int) -> String {
    String(format: "%.\(decimals)f", number)
  }
}

extension ServiceObjective: CustomStringConvertible {
  package var description: String {
    let limits = [("ttft", timeToFirstToken), ("tpot", timePerOutputToken), ("e2el", latency)]
    return limits.compactMap { name, limit in
      limit.map { "\(name) \(ServingReport.text($0, $0 == $0.rounded() ? 0 : 2)) ms" }
    }.joined(separator: ", ")
  }
}
