import ApusCore

/// Latency over throughput at several request rates, as picture and as JSON.
package struct LatencyCurve: Sendable {
  package var model: String
  /// Each rate asked for, with what was measured.
  package var points: [(rate: Double, metrics: ServingMetrics)]

  package init(model: String, points: [(rate: Double, metrics: ServingMetrics)]) {
    self.model = model
    self.points = points
  }

  /// An array with the figures of each rate.
  package var json: JSONValue {
    .array(
      points.map {
        .object(
          ServingReport($0.metrics).json(head: JSONObject([("request_rate", .rate($0.rate))])))
      })
  }

  /// Median and 99th percentile of both times; nil when no request was answered.
  package var svg: String? {
    let points = points.filter { $0.metrics.completed > 0 }
    guard let objective = points.first?.metrics.objective else { return nil }
    return Chart(
      title: "\(model): latency over throughput",
      panels: [
        panel("Time to first token", .ttft, points, limit: objective.timeToFirstToken),
        panel("Time per output token", .tpot, points, limit: objective.timePerOutputToken),
      ]
    ).svg
  }

  private func panel(
    _ title: String, _ time: ServingMetrics.Time,
    _ points: [(rate: Double, metrics: ServingMetrics)], limit: Double?
  ) -> Chart.Panel {
    let series = [("median", 50.0), ("99th percentile", 99)].map { name, percentile in
      Chart.Series(
        name: name,
        points: points.map {
          (
            $0.metrics.requestThroughput,
            $0.metrics.milliseconds(time, percentile: percentile)
          )
        },
        notes: points.map {
          let value = $0.metrics.milliseconds(time, percentile: percentile)
          return "asked for \($0.rate) requests/s: \(ServingReport.text(value, 2)) ms"
        })
    }
    return Chart.Panel(
      title: title, xLabel: "answered requests per second", yLabel: "milliseconds", series: series,
      limit: limit.map { ("objective", $0) })
  }
}

extension JSONValue {
  /// A request rate: `"inf"` when it has no limit, as `vllm bench serve` writes it.
  package static func rate(_ rate: Double) -> JSONValue {
    rate.isFinite ? .number(rate) : "inf"
  }
}
