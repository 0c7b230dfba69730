/// Looks for the highest rate at which enough requests keep the objective: the goodput of Y. Zhong et al., "DistServe:
/// Disaggregating Prefill and Decoding for Goodput-optimized Large Language Model Serving" (OSDI 2024).
///
/// Rates are doubled or halved until one attains and one does not, then the interval between them is halved. It is a
/// pure step: ask for `next`, try that rate, `record` what it attained.
package struct GoodputSearch: Sendable {
  /// The share of requests that must keep the objective.
  package let attain: Double
  /// The search ends when the two rates differ by no more than this part.
  package let precision: Double
  package let limits: ClosedRange<Double>
  package let mostTries: Int

  /// Each rate tried, with what it attained.
  package private(set) var tries: [(rate: Double, attained: Double)] = []
  /// The highest rate that attained; nil when none did.
  package private(set) var best: Double?
  /// The lowest rate that did not.
  package private(set) var worst: Double?
  /// Requests missed though none met another: no lower rate can attain.
  package private(set) var missesAlone = false
  private let start: Double

  package init(
    attain: Double = 0.9, start: Double = 1, precision: Double = 0.05,
    limits: ClosedRange<Double> = 1e-3...1e6, mostTries: Int = 20
  ) {
    self.attain = attain
    self.precision = precision
    self.limits = limits
    self.mostTries = mostTries
    self.start = min(limits.upperBound, max(limits.lowerBound, start))
  }

  /// The rate to try next, in requests a second; nil when the search is over.
  package var next: Double? {
    guard tries.count < mostTries else { return nil }
    switch (best, worst) {
    case (nil, nil): return start
    case (let best?, nil): return best < limits.upperBound ? min(best * 2, limits.upperBound) : nil
    case (nil, let worst?):
      guard !missesAlone, worst > limits.lowerBound else { return nil }
      return max(worst / 2, limits.lowerBound)
    case (let best?, let worst?): return worst > best * (1 + precision) ? (best + worst) / 2 : nil
    }
  }

  /// Takes the share of requests that kept the objective at a rate, and whether each was alone with the server.
  package mutating func record(_ rate: Double, attained: Double, wereAlone: Bool = false) {
    tries.append((rate, attained))
    if attained >= attain {
      best = max(best ?? rate, rate)
    } else {
      worst = min(worst ?? rate, rate)
      missesAlone = missesAlone || wereAlone
    }
  }

  /// Whether the search came to its end, so that a rate slightly higher than the best fails.
  package var isSettled: Bool {
    guard let best, let worst else { return false }
    return worst <= best * (1 + precision)
  }

  /// How many of `count` requests may miss the objective.
  package func allowedMisses(of count: Int) -> Int {
    var misses = Int((Double(count) * (1 - attain)).rounded(.down)) + 1
    while misses > 0, Double(count - misses) / Double(count) < attain { misses -= 1 }
    return misses
  }
}
