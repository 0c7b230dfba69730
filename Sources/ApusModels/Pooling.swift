import ApusCore

/// How the hidden states of a text's tokens become one vector.
public enum Pooling: String, Sendable, CaseIterable {
  case mean
  /// The first token's.
  case cls
  /// The last token's.
  case last
}

/// The vector of one text, from hidden states that come in order, perhaps in parts.
public struct HiddenPool: Sendable {
  public let pooling: Pooling
  /// Rows taken so far.
  public private(set) var count = 0
  private var sums: [Double] = []

  public init(_ pooling: Pooling) { self.pooling = pooling }

  public mutating func add(_ hidden: Span<Float>) {
    count += 1
    switch pooling {
    case .mean:
      if sums.isEmpty { sums = Array(repeating: 0, count: hidden.count) }
      for index in 0..<hidden.count { sums[index] += Double(hidden[index]) }
    case .cls: if sums.isEmpty { set(hidden) }
    case .last: set(hidden)
    }
  }

  private mutating func set(_ hidden: Span<Float>) {
    sums.removeAll(keepingCapacity: true)
    for index in 0..<hidden.count { sums.append(Double(hidden[index])) }
  }

  /// The pooled vector, not normalised.
  public var vector: [Float] {
    let divisor = pooling == .mean ? Double(max(count, 1)) : 1
    return sums.map { Float($0 / divisor) }
  }
}
