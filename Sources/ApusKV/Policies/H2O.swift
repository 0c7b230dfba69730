import ApusCore

/// Keeps the newest tokens and those that got most attention since the text began, each head its own (H2O,
/// arXiv:2306.14048).
///
/// The newest have half of the budget.
public struct H2O: ScoringKVPolicy {
  public let budget: KVBudget
  let recent: Double
  public let trigger: KVTrigger
  public let evicted: KVEvicted

  public init(options: PluginOptions) throws {
    budget = try options.budget("budget", default: .tokens(1024))
    recent = try options.double("recent", in: 0...1) ?? 0.5
    trigger = try options.slack()
    evicted = try options.merge()
  }

  public var needs: KVNeeds { KVNeeds(mass: .every) }

  public func window(ofCapacity capacity: Int) -> Int {
    Int((recent * Double(capacity)).rounded())
  }

  public func scores(of head: KVHeadView, in layer: KVLayerView) -> [Float] { head.score }
}
