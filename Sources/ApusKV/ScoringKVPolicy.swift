import ApusCore

/// A policy that gives each key a score and keeps the highest, beside sinks and a window that always stay.
public protocol ScoringKVPolicy: KVPolicy {
  var budget: KVBudget { get }
  /// Tokens at the start of the text that are kept.
  var sinks: Int { get }
  /// Of the capacity of a head, tokens at the end that are kept.
  func window(ofCapacity capacity: Int) -> Int
  /// One number a key of the head; the highest are kept.
  func scores(of head: KVHeadView, in layer: KVLayerView) -> [Float]
}

extension ScoringKVPolicy {
  public var sinks: Int { 0 }

  public func capacity(layer: Int, head: Int, of shape: KVShape, promptCount: Int) -> Int {
    budget.tokens(of: promptCount)
  }

  public func retained(of layer: KVLayerView) -> [[Int]] {
    layer.heads.map { head in
      guard head.count > head.capacity else { return Array(0..<head.count) }
      return head.best(
        scores(of: head, in: layer), sinks: sinks, window: window(ofCapacity: head.capacity))
    }
  }
}

extension KVHeadView {
  /// The first `sinks` and last `window` keys and, of the others, those of the highest scores, the earlier among equals,
  /// `capacity` in all; everything where it fits.
  public func best(_ scores: [Float], sinks: Int, window: Int) -> [Int] {
    guard count > capacity else { return Array(0..<count) }
    let window = min(max(window, 1), capacity)
    let sinks = min(sinks, capacity - window)
    let middle = sinks..<max(count - window, sinks)
    let chosen = middle.highest(capacity - sinks - window) { scores[$0] }
    return Array(0..<sinks) + chosen + Array(middle.upperBound..<count)
  }
}

extension Range<Int> {
  /// The `limit` numbers of the range with the highest scores, ascending; the earlier ones among equals.
  public func highest(_ limit: Int, _ score: (Int) -> Float) -> [Int] {
    guard limit > 0 else { return [] }
    guard limit < count else { return Array(self) }
    let ranked = map { (score: score($0), index: $0) }
      .sorted { $0.score == $1.score ? $0.index < $1.index : $0.score > $1.score }
    return ranked[..<limit].map(\.index).sorted()
  }
}

/// How much a head may hold: tokens, or a share of the prompt.
public enum KVBudget: Sendable, Equatable, CustomStringConvertible {
  case tokens(Int)
  case share(Double)

  /// Tokens for a prompt of `promptCount`.
  public func tokens(of promptCount: Int) -> Int {
    switch self {
    case .tokens(let count): count
    case .share(let share): max(Int((share * Double(promptCount)).rounded(.up)), 1)
    }
  }

  public var description: String {
    switch self {
    case .tokens(let count): "\(count)"
    case .share(let share): "\(share)"
    }
  }
}

extension PluginOptions {
  /// A budget: whole tokens, or a share of the prompt below 1.
  public func budget(_ key: String, default standard: KVBudget) throws -> KVBudget {
    try value(key, expected: "tokens (1 or more), or a share of the prompt such as 0.2") { text in
      if let count = Int(text) { return (1...1 << 30).contains(count) ? .tokens(count) : nil }
      return Double(text).flatMap { $0 > 0 && $0 < 1 ? .share($0) : nil }
    } ?? standard
  }
}
