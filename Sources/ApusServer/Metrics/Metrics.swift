import Apus
import ApusEngine
import Synchronization

/// What has been measured over all requests.
final class Metrics: Sendable {
  struct Values: Sendable {
    var firstToken = Histogram.firstToken
    var betweenTokens = Histogram.betweenTokens
    var whole = Histogram.request
    var queue = Histogram.request
    var prefill = Histogram.request
    var decode = Histogram.request
    // Of requests that approximate methods took part in.
    var keptTokens = Histogram.counts
    var kvBytes = Histogram.bytes
    var pagesRead = Histogram.counts
    /// Finished requests by reason.
    var finished = ["abort": 0, "length": 0, "stop": 0]
    /// Answers by HTTP status.
    var answers: [Int: Int] = [:]
  }

  private let values = Mutex(Values())

  var snapshot: Values { values.withLock { $0 } }

  func countAnswer(status: Int) { update { $0.answers[status, default: 0] += 1 } }

  fileprivate func update(_ change: (inout Values) -> Void) { values.withLock { change(&$0) } }
}

/// Measures one choice.
struct RequestProbe {
  private let metrics: Metrics
  private let arrived: ContinuousClock.Instant
  private var lastToken: ContinuousClock.Instant?
  private var isFinished = false

  init(_ metrics: Metrics, arrived: ContinuousClock.Instant) {
    self.metrics = metrics
    self.arrived = arrived
  }

  mutating func note(_ event: TextEvent) {
    switch event {
    case .progress, .promptLogprobs: break
    case .delta(_, let tokens):
      guard !tokens.isEmpty else { return }
      let now = ContinuousClock.now
      let previous = lastToken
      lastToken = now
      metrics.update { values in
        if let previous {
          values.betweenTokens.observe((now - previous).seconds)
        } else {
          values.firstToken.observe((now - arrived).seconds)
        }
      }
    case .finished(let finish):
      isFinished = true
      let whole = (ContinuousClock.now - arrived).seconds
      metrics.update { values in
        values.whole.observe(whole)
        values.queue.observe(finish.timings.queued.seconds)
        values.prefill.observe(finish.timings.prefill.seconds)
        values.decode.observe(finish.timings.decode.seconds)
        values.finished[finish.reason.rawValue, default: 0] += 1
        guard !finish.timings.methods.isEmpty else { return }
        values.keptTokens.observe(finish.timings.kv.keptTokens)
        values.kvBytes.observe(Double(finish.timings.kv.byteCount))
        values.pagesRead.observe(finish.timings.kv.pagesRead)
      }
    }
  }

  /// Counts a request that ended before it was finished.
  func end() {
    if !isFinished { metrics.update { $0.finished["abort", default: 0] += 1 } }
  }
}
