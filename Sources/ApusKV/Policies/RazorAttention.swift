import ApusCore

/// Retrieval heads keep the whole prompt, the others its first tokens, a fifth of it at its end, at least the budget,
/// and the mean of what is dropped (RazorAttention, arXiv:2407.15891).
///
/// `heads` is a file that says which are which. The prompt is read in full, and what follows it is kept.
public struct RazorAttention: KVPolicy {
  let pattern: HeadPattern
  let budget: KVBudget
  let sinks: Int

  public init(options: PluginOptions) throws {
    pattern = try HeadPattern(options: options)
    budget = try options.budget("budget", default: .tokens(4000))
    sinks = try options.int("sinks", in: 0...1 << 20) ?? 4
  }

  public var evicted: KVEvicted { .averaged }

  public func validate(for shape: KVShape) throws {
    try pattern.validate(for: shape, policy: "razor")
  }

  public func capacity(layer: Int, head: Int, of shape: KVShape, promptCount: Int) -> Int {
    guard !pattern.isRetrieval[layer][head] else { return Int.max }
    return sinks + max(budget.tokens(of: promptCount), promptCount / 5)
  }

  public func retained(of layer: KVLayerView) -> [[Int]] {
    layer.heads.map { $0.sinksAndNewest(sinks) }
  }
}
