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

/// The time of a step, in seconds.
public struct StepTime: Sendable, Equatable {
  /// Of what every step costs, and of the tokens of answers.
  public var writing = 0.0
  /// Of the tokens of prompts.
  public var reading = 0.0

  public var total: Double { writing + reading }
}

/// What steps take lately over what they should by their cost, writing and reading apart: a step that only writes tells
/// nothing of what a prompt costs.
struct StepPace: Equatable {
  private(set) var writing = 1.0
  private(set) var reading = 1.0

  private static let rate = 0.1
  private static let range = 0.05...20.0

  /// Takes a part of the difference off, each factor as much as it had to do with it (normalised least mean squares).
  mutating func learn(_ seconds: Double, expected: StepTime) {
    guard expected.total > 0 else { return }
    let excess = min(max(seconds / expected.total, 0.25), 4) - 1
    let squares = expected.writing * expected.writing + expected.reading * expected.reading
    let change = Self.rate * excess * expected.total / squares
    writing = Self.clamp(writing * (1 + change * expected.writing))
    reading = Self.clamp(reading * (1 + change * expected.reading))
  }

  private static func clamp(_ factor: Double) -> Double {
    min(max(factor, range.lowerBound), range.upperBound)
  }
}

/// What is left of a step: tokens, and time where it counts.
struct StepRoom {
  private(set) var tokens: Int
  /// What the step will take, by its cost; 0 where that is unknown.
  private(set) var spent = StepTime()
  private var limit = Double.infinity
  private var costs: (writing: StepCost, reading: StepCost)?

  /// The part of a step's time that is kept for reading, however much the answers take of it.
  private static let leastShare = 0.25

  init(tokens: Int) { self.tokens = tokens }

  init(tokens: Int, seconds: Double, writing: StepCost, reading: StepCost) {
    self.tokens = tokens
    limit = seconds
    costs = (writing, reading)
    spent.writing = writing.step
  }

  /// How many of `pending` tokens after `depth` others fit; a prompt that is the first to be read gets at least one.
  func chunk(_ pending: Int, after depth: Int, isFirst: Bool) -> Int {
    let count = min(pending, tokens)
    guard let cost = costs?.reading else { return count }
    let left = limit - spent.total
    let seconds = isFirst ? max(left, Self.leastShare * limit) : left
    return min(count, max(cost.tokens(in: seconds, after: depth), isFirst ? 1 : 0))
  }

  mutating func take(_ count: Int, after depth: Int, isReading: Bool) {
    tokens -= count
    guard let costs else { return }
    if isReading {
      spent.reading += costs.reading.seconds(tokens: count, after: depth)
    } else {
      spent.writing += costs.writing.seconds(tokens: count, after: depth)
    }
  }
}
