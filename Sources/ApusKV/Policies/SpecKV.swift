import ApusCore

/// Keeps of the prompt what the first tokens of an answer, written by a draft model, attend to (SpecKV,
/// arXiv:2506.08373).
///
/// Scores are pooled as in SnapKV and the last `window` tokens of the prompt stay, but only the draft's observe.
public struct SpecKV: ScoringKVPolicy {
  let attention: PooledAttention
  public let prelude: KVPrelude

  public init(options: PluginOptions) throws {
    attention = try PooledAttention(options: options)
    let tokens = try options.int("tokens", in: 1...64) ?? 8
    let draft = try options.string("draft") ?? "builtin:reader-draft"
    // Who sends a request names no file of this machine, and has nothing fetched.
    if !draft.hasPrefix("builtin:") { _ = try options.file("draft") }
    prelude = .lookahead(tokens: tokens, draft: draft)
  }

  public var budget: KVBudget { attention.budget }
  public var needs: KVNeeds { KVNeeds(mass: .lookahead) }

  public func window(ofCapacity capacity: Int) -> Int { attention.window(ofCapacity: capacity) }

  public func scores(of head: KVHeadView, in layer: KVLayerView) -> [Float] {
    attention.scores(of: head)
  }
}
