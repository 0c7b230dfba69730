/// What a step costs in seconds: something whatever it does; something a token; something for each stored key that a
/// sequence reads; something for each pair of a query and a key.
public struct StepCost: Sendable, Equatable, Codable {
  public var step: Double
  public var token: Double
  public var key: Double
  public var pair: Double

  public init(step: Double, token: Double, key: Double = 0, pair: Double = 0) {
    self.step = step
    self.token = token
    self.key = key
    self.pair = pair
  }

  /// Seconds for `count` tokens of a sequence after `depth` others, without what every step costs.
  public func seconds(tokens count: Int, after depth: Int) -> Double {
    let (n, d) = (Double(count), Double(depth))
    return token * n + key * (d + n) + pair * n * (d + (n + 1) / 2)
  }

  /// How many tokens after `depth` others fit in `seconds`.
  func tokens(in seconds: Double, after depth: Int) -> Int {
    let left = seconds - key * Double(depth)
    guard left > 0 else { return 0 }
    let linear = token + key + pair * (Double(depth) + 0.5)
    guard pair > 0 else { return linear > 0 ? Int(min(left / linear, 1e9)) : 1 << 30 }
    let root = (linear * linear + 2 * pair * left).squareRoot()
    return Int(min((root - linear) / pair, 1e9))
  }

  static func * (factor: Double, cost: StepCost) -> StepCost {
    StepCost(
      step: factor * cost.step, token: factor * cost.token, key: factor * cost.key,
      pair: factor * cost.pair)
  }
}

/// What is left of a step: tokens, and time where it counts.
struct StepRoom {
  private(set) var tokens: Int
  /// What the step will take, by its cost; 0 where that is unknown.
  private(set) var spent: Double
  private let limit: Double
  private let cost: StepCost?

  /// The part of a step's time that is kept for reading, however much the answers take of it.
  private static let leastShare = 0.25

  init(tokens: Int, seconds: Double, cost: StepCost?) {
    self.tokens = tokens
    limit = seconds
    self.cost = cost
    spent = cost?.step ?? 0
  }

  /// How many of `pending` tokens after `depth` others fit; a prompt that is the first to be read gets at least one.
  func chunk(_ pending: Int, after depth: Int, isFirst: Bool) -> Int {
    var count = min(pending, tokens)
    guard let cost else { return count }
    let left = limit - spent
    let seconds = isFirst ? max(left, Self.leastShare * limit) : left
    count = min(count, max(cost.tokens(in: seconds, after: depth), isFirst ? 1 : 0))
    return count
  }

  mutating func take(_ count: Int, after depth: Int) {
    tokens -= count
    if let cost { spent += cost.seconds(tokens: count, after: depth) }
  }
}
