import ApusCore

/// Keeps of the prompt, once it is read, what its last tokens attend to, each head its own (SnapKV, arXiv:2404.14469).
///
/// The last `window` tokens are the observers and stay; the heads of a group share their keys, so their attention is
/// summed.
public struct SnapKV: ScoringKVPolicy {
  let attention: PooledAttention
  public let evicted: KVEvicted

  public init(options: PluginOptions) throws {
    attention = try PooledAttention(options: options)
    evicted = try options.merge()
  }

  public var budget: KVBudget { attention.budget }
  public var needs: KVNeeds { KVNeeds(mass: .promptEnd(attention.window)) }

  public func window(ofCapacity capacity: Int) -> Int { attention.window(ofCapacity: capacity) }

  public func scores(of head: KVHeadView, in layer: KVLayerView) -> [Float] {
    attention.scores(of: head)
  }
}
