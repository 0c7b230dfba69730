import ApusCore
import Foundation

/// When requests come: a Poisson process, or one whose intervals follow a gamma distribution, as `vllm bench serve` has.
package struct Arrivals: Sendable, Equatable {
  /// Requests a second; infinite when all come at once.
  package var rate: Double
  /// The shape of the distribution of intervals: 1 is Poisson, less is more bursty, more is more even.
  package var burstiness: Double

  package init(rate: Double = .infinity, burstiness: Double = 1) {
    self.rate = rate
    self.burstiness = burstiness
  }

  /// Seconds after the start, stretched so that the last request comes after `count / rate`: a short run has the rate
  /// that was asked for too.
  package func times(count: Int, using source: inout RandomSource) -> [Double] {
    guard rate.isFinite, count > 0 else { return Array(repeating: 0, count: count) }
    let intervals = GammaDistribution(shape: burstiness, mean: 1 / rate)
    var time = 0.0
    let times = (0..<count).map { _ in
      time += intervals.next(using: &source)
      return time
    }
    let factor = time > 0 ? Double(count) / rate / time : 1
    return times.map { $0 * factor }
  }

  /// The times of a trace, stretched to the rate where one is given; the first request comes at 0.
  package func times(of recorded: [Double]) -> [Double] {
    guard let first = recorded.first, let last = recorded.last else { return [] }
    guard rate.isFinite, last > first else { return recorded.map { $0 - first } }
    let factor = Double(recorded.count) / rate / (last - first)
    return recorded.map { ($0 - first) * factor }
  }
}

/// Gamma variates by the method of G. Marsaglia and W. W. Tsang, "A simple method for generating gamma variables",
/// ACM Transactions on Mathematical Software 26 (2000).
package struct GammaDistribution {
  package let shape: Double
  package let scale: Double

  package init(shape: Double, mean: Double) {
    self.shape = shape
    scale = mean / shape
  }

  package func next(using source: inout RandomSource) -> Double {
    guard shape < 1 else { return scale * Self.standard(shape, &source) }
    return scale * Self.standard(shape + 1, &source) * pow(1 - source.nextUnit(), 1 / shape)
  }

  private static func standard(_ shape: Double, _ source: inout RandomSource) -> Double {
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = normal(&source)
      let root = 1 + c * x
      guard root > 0 else { continue }
      let v = root * root * root
      if log(1 - source.nextUnit()) < x * x / 2 + d * (1 - v + log(v)) { return d * v }
    }
  }

  /// A standard normal variate by Box and Muller.
  private static func normal(_ source: inout RandomSource) -> Double {
    let radius = (-2 * log(1 - source.nextUnit())).squareRoot()
    return radius * cos(2 * .pi * source.nextUnit())
  }
}
