import ApusCore

/// Keeps the newest tokens only; the baseline that forgets.
public struct Window: KVPolicy {
  let budget: KVBudget
  public let trigger: KVTrigger
  public let evicted: KVEvicted

  public init(options: PluginOptions) throws {
    budget = try options.budget("budget", default: .tokens(1024))
    trigger = try options.slack()
    evicted = try options.merge()
  }

  public func capacity(layer: Int, head: Int, of shape: KVShape, promptCount: Int) -> Int {
    budget.tokens(of: promptCount)
  }

  public func retained(of layer: KVLayerView) -> [[Int]] {
    layer.heads.map { Array(max($0.count - $0.capacity, 0)..<$0.count) }
  }
}
