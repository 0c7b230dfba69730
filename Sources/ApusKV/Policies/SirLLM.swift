import ApusCore
import Foundation

/// Keeps the first tokens, the newest and, of the others, those that surprised the model most (SirLLM,
/// arXiv:2405.12528).
///
/// The paper lets surprise fade with every turn of a dialogue. Turns are not known here: surprise is multiplied by
/// `decay` for each 32 tokens that a token stands behind the newest. The budget is 4 + 512 + 1000 tokens, as published.
public struct SirLLM: ScoringKVPolicy {
  public let budget: KVBudget
  public let sinks: Int
  let recent: Int
  let decay: Double
  public let trigger: KVTrigger
  /// Tokens that stand for a turn.
  private static let turn: Int32 = 32

  public init(options: PluginOptions) throws {
    budget = try options.budget("budget", default: .tokens(1516))
    sinks = try options.tokens("start", default: 4, in: budget)
    recent = try options.tokens("recent", default: 512, in: budget, beside: sinks)
    decay = try options.double("decay", in: 0...1) ?? 0.99
    trigger = try options.slack()
  }

  public var needs: KVNeeds { KVNeeds(surprise: true) }
  public var positions: KVPositions { .compact }

  public func window(ofCapacity capacity: Int) -> Int { recent }

  public func scores(of head: KVHeadView, in layer: KVLayerView) -> [Float] {
    let newest = head.tokens.last ?? 0
    return head.tokens.map { token in
      // What was read last may not be known yet; it is recent.
      let surprise = Int(token) < head.surprise.count ? head.surprise[Int(token)] : 0
      return surprise * Float(pow(decay, Double((newest - token) / Self.turn)))
    }
  }
}
