/// What was measured of one request; times are nanoseconds of the monotonic clock.
package struct RequestRecord: Sendable, Equatable {
  /// Its place in the workload.
  package var index: Int
  package var sent: Int64
  /// When each piece of text came.
  package var arrivals: [Int64] = []
  package var ended: Int64 = 0
  /// Tokens of the prompt: those of `usage` if `countsInput`, else those asked for.
  package var inputTokens: Int
  package var countsInput = false
  /// Those of `usage` if `countsOutput`, else the number of pieces.
  package var outputTokens = 0
  package var countsOutput = false
  package var cachedTokens: Int?
  package var failure: LoadFailure?

  package init(index: Int, sent: Int64, inputTokens: Int) {
    self.index = index
    self.sent = sent
    self.inputTokens = inputTokens
  }

  /// From sending the request, the connection included, to the first piece.
  package var timeToFirstToken: Int64 { (arrivals.first ?? ended) - sent }

  /// To the last piece.
  package var latency: Int64 { (arrivals.last ?? ended) - sent }

  /// The mean time between tokens; 0 for a single one, nil for an answer without any.
  package var timePerOutputToken: Double? {
    guard !arrivals.isEmpty else { return nil }
    return outputTokens > 1 ? Double(latency - timeToFirstToken) / Double(outputTokens - 1) : 0
  }

  /// The times between pieces.
  package var gaps: [Int64] { zip(arrivals.dropFirst(), arrivals).map(-) }
}

/// Limits that a good answer keeps, in milliseconds; a limit that is not set is kept.
package struct ServiceObjective: Sendable, Equatable {
  package var timeToFirstToken: Double?
  package var timePerOutputToken: Double?
  package var latency: Double?

  package init(
    timeToFirstToken: Double? = nil, timePerOutputToken: Double? = nil, latency: Double? = nil
  ) {
    self.timeToFirstToken = timeToFirstToken
    self.timePerOutputToken = timePerOutputToken
    self.latency = latency
  }

  /// Reads words such as `ttft:200`, `tpot:50` and `e2el:3000`.
  package init(parsing words: [String]) throws {
    self.init()
    for word in words.flatMap({ $0.split { $0 == " " || $0 == "," } }) {
      let parts = word.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2, let limit = Double(parts[1]), limit > 0, limit.isFinite else {
        throw ObjectiveError.malformed(String(word))
      }
      switch parts[0] {
      case "ttft": timeToFirstToken = limit
      case "tpot": timePerOutputToken = limit
      case "e2el": latency = limit
      default: throw ObjectiveError.malformed(String(word))
      }
    }
  }

  /// Whether a request keeps all limits; a failed one keeps none.
  package func isMet(by record: RequestRecord) -> Bool {
    func keeps(_ nanoseconds: Double?, _ limit: Double?) -> Bool {
      guard let limit else { return true }
      return nanoseconds.map { $0 <= limit * 1e6 } ?? false
    }
    return record.failure == nil
      && keeps(Double(record.timeToFirstToken), timeToFirstToken)
      && keeps(record.timePerOutputToken, timePerOutputToken)
      && keeps(Double(record.latency), latency)
  }
}

package enum ObjectiveError: Error, Equatable, CustomStringConvertible {
  case malformed(String)

  package var description: String {
    switch self {
    case .malformed(let word):
      "'\(word)' is no limit; give ttft:MS, tpot:MS or e2el:MS with milliseconds"
    }
  }
}
