import ApusCore

/// Drops what the last query attends to least (TOVA, arXiv:2401.06104), the same tokens in all heads of a layer.
///
/// The paper drops one token a step; here a head grows by `slack` tokens and is cut back by what its last query saw.
public struct TOVA: KVPolicy {
  let budget: KVBudget
  public let trigger: KVTrigger
  public let evicted: KVEvicted

  public init(options: PluginOptions) throws {
    budget = try options.budget("budget", default: .tokens(1024))
    trigger = try options.slack()
    evicted = try options.merge()
  }

  public var needs: KVNeeds { KVNeeds(mass: .last) }

  public func capacity(layer: Int, head: Int, of shape: KVShape, promptCount: Int) -> Int {
    budget.tokens(of: promptCount)
  }

  public func retained(of layer: KVLayerView) -> [[Int]] {
    zip(layer.heads, layer.summedScores).map { $0.best($1, sinks: 0, window: 1) }
  }

  public func accumulate(_ observed: [Float], vectors: Int, step: Int, into score: inout [Float]) {
    score = observed
  }
}
