import ApusCore
import Foundation

/// The tokens that may come next, with their logits; processors change and shorten the list.
public struct Candidates: Sendable {
  public struct Candidate: Sendable, Equatable {
    public var token: TokenID
    public var logit: Float
  }

  public var list: [Candidate]

  /// NaN counts as impossible.
  public init(logits: Span<Float>) {
    list = []
    list.reserveCapacity(logits.count)
    for index in logits.indices {
      let logit = logits[index]
      list.append(Candidate(token: TokenID(index), logit: logit.isNaN ? -.infinity : logit))
    }
  }

  /// Softmax of the logits, in the order of the list.
  public func probabilities() -> [Double] {
    let highest = list.reduce(-Float.infinity) { max($0, $1.logit) }
    let weights = list.map { $0.logit == highest ? 1 : exp(Double($0.logit - highest)) }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }

  /// Most likely first; ties by token.
  public mutating func sort() {
    list.sort { $0.logit != $1.logit ? $0.logit > $1.logit : $0.token < $1.token }
  }

  /// Keeps the candidates at these positions of the list.
  mutating func keep(_ indices: [Int]) { list = indices.map { list[$0] } }

  /// Keeps the first positions of `order` whose probabilities together reach `p`; at least one.
  mutating func keep(_ order: [Int], until p: Double, of probabilities: [Double]) {
    var sum = 0.0
    let last = order.firstIndex { index in
      sum += probabilities[index]
      return sum >= p
    }
    keep(Array(order[...(last ?? order.count - 1)]))
  }
}
