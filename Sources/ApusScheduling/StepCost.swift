/// What a step costs in seconds: something whatever it does, something a token, something for each pair of a query and
/// a key that attention looks at.
public struct StepCost: Sendable, Equatable {
  public var step: Double
  public var token: Double
  public var pair: Double

  public init(step: Double, token: Double, pair: Double) {
    self.step = step
    self.token = token
    self.pair = pair
  }

  /// Seconds for `count` tokens after `depth` others, without what every step costs.
  public func seconds(tokens count: Int, after depth: Int) -> Double {
    let (n, d) = (Double(count), Double(depth))
    return token * n + pair * n * (d + (n + 1) / 2)
  }

  /// How many tokens after `depth` others fit in `seconds`.
  func tokens(in seconds: Double, after depth: Int) -> Int {
    guard seconds > 0 else { return 0 }
    let linear = token + pair * (Double(depth) + 0.5)
    guard pair > 0 else { return Int(min(seconds / linear, 1e9)) }
    let root = (linear * linear + 2 * pair * seconds).squareRoot()
    return Int(min((root - linear) / pair, 1e9))
  }

  static func * (factor: Double, cost: StepCost) -> StepCost {
    StepCost(step: factor * cost.step, token: factor * cost.token, pair: factor * cost.pair)
  }
}

/// What is left of a step: tokens, and time where it counts.
struct StepRoom {
  private(set) var tokens: Int
  private var seconds: Double
  /// What the step will take, by its cost; 0 where that is unknown.
  private(set) var spent = 0.0
  private let cost: StepCost?

  /// Tokens that a prompt may always advance by when it is the first to be read in a step, or it would never end.
  static let leastChunk = 16

  init(tokens: Int, seconds: Double, cost: StepCost?) {
    self.tokens = tokens
    self.cost = cost
    self.seconds = seconds - (cost?.step ?? 0)
  }

  /// How many of `pending` tokens after `depth` others fit.
  func chunk(_ pending: Int, after depth: Int, isFirst: Bool) -> Int {
    var count = min(pending, tokens)
    if let cost {
      count = min(count, max(cost.tokens(in: seconds, after: depth), isFirst ? Self.leastChunk : 0))
    }
    return count
  }

  mutating func take(_ count: Int, after depth: Int) {
    tokens -= count
    guard let cost else { return }
    let taken = cost.seconds(tokens: count, after: depth)
    if spent == 0 { spent = cost.step }
    spent += taken
    seconds -= taken
  }
}
