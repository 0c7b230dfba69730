import Foundation

/// Facts about pages that selectors and policies may ask for; the engine keeps only those that are needed.
public struct PageFacts: OptionSet, Sendable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// Smallest and largest number of each key component.
  public static let keyBounds = PageFacts(rawValue: 1)
  public static let meanKey = PageFacts(rawValue: 2)
}

/// What is known about the keys of one slot: each array has one number a key component, or is empty.
public struct PageMetadata: Sendable, Equatable {
  public var minimum: [Float] = []
  public var maximum: [Float] = []
  public var mean: [Float] = []

  init(summarizing keys: [[Float]], facts: PageFacts) {
    guard let first = keys.first else { return }
    if facts.contains(.keyBounds) {
      minimum = keys.reduce(first) { zip($0, $1).map(min) }
      maximum = keys.reduce(first) { zip($0, $1).map(max) }
    }
    if facts.contains(.meanKey) {
      let sum = keys.dropFirst().reduce(first) { zip($0, $1).map(+) }
      mean = sum.map { $0 / Float(keys.count) }
    }
  }

  /// An upper bound of q·k over the keys of the page (Quest, arXiv:2406.10774); needs `keyBounds`.
  public func upperBound(query: [Float]) -> Float {
    var bound: Float = 0
    for (d, q) in query.enumerated() { bound += max(q * minimum[d], q * maximum[d]) }
    return bound
  }
}

func sineAndCosine(_ angle: Double) -> (sine: Double, cosine: Double) {
  (sin(angle), cos(angle))
}
