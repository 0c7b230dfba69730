import ApusCore

/// Keeps the first tokens, on which attention rests, and the newest, with the positions of the cache (StreamingLLM,
/// arXiv:2309.17453).
///
/// The budget is that of both together.
public struct Streaming: KVPolicy {
  let budget: KVBudget
  let sinks: Int
  public let trigger: KVTrigger

  public init(options: PluginOptions) throws {
    budget = try options.budget("budget", default: .tokens(1024))
    sinks = try options.tokens("sinks", default: 4, in: budget)
    trigger = try options.slack()
  }

  public var positions: KVPositions { .compact }

  public func capacity(layer: Int, head: Int, of shape: KVShape, promptCount: Int) -> Int {
    budget.tokens(of: promptCount)
  }

  public func retained(of layer: KVLayerView) -> [[Int]] {
    layer.heads.map { $0.sinksAndNewest(sinks) }
  }
}

extension KVHeadView {
  /// The first `sinks` keys and the newest of the others, `capacity` in all.
  func sinksAndNewest(_ sinks: Int) -> [Int] {
    best([], sinks: sinks, window: max(capacity - sinks, 1))
  }
}
