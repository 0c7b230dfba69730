import ApusCore

/// How SnapKV (arXiv:2404.14469) and what follows it score keys: the attention of a few rows, pooled along the text.
///
/// A window at the end of the prompt is kept whatever its score, and its scores are not pooled into those before it.
struct PooledAttention: Sendable {
  let budget: KVBudget
  let window: Int
  private let kernel: Int
  private let pooling: Pooling

  init(options: PluginOptions) throws {
    budget = try options.budget("budget", default: .tokens(1024))
    window = try options.tokens("window", atLeast: 1, default: 32, in: budget)
    kernel = try options.kernel()
    pooling = try options.choice("pooling", of: Pooling.self) ?? .average
  }

  /// Tokens of the window that a head of that capacity has room for.
  func window(ofCapacity capacity: Int) -> Int { min(window, capacity) }

  /// One number a key of the head; 0 in the window.
  func scores(of head: KVHeadView) -> [Float] {
    let before = max(head.count - window(ofCapacity: head.capacity), 0)
    let pooled = pooling.pooled(Array(head.score.prefix(before)), kernel: kernel)
    return pooled + repeatElement(0, count: head.count - pooled.count)
  }
}
