import ApusCore

/// Retrieval heads keep everything, streaming heads the first tokens and the newest, also while the prompt is read
/// (DuoAttention, arXiv:2410.10819).
///
/// `heads` is a file that says which are which, such as those that are published. Where it does not say how much
/// streaming heads keep, that is 64 + 256 tokens.
public struct DuoAttention: KVPolicy {
  let pattern: HeadPattern
  let sinks: Int
  let recent: Int
  public let trigger: KVTrigger

  public init(options: PluginOptions) throws {
    pattern = try HeadPattern(options: options)
    sinks = try options.int("sinks", in: 0...1 << 20) ?? pattern.sinks ?? 64
    recent = try options.int("recent", in: 1...1 << 20) ?? pattern.window ?? 256
    trigger = try options.slack()
  }

  public func validate(for shape: KVShape) throws {
    try pattern.validate(for: shape, policy: "duo")
  }

  public func capacity(layer: Int, head: Int, of shape: KVShape, promptCount: Int) -> Int {
    pattern.isRetrieval[layer][head] ? Int.max : sinks + recent
  }

  public func retained(of layer: KVLayerView) -> [[Int]] {
    layer.heads.map { $0.sinksAndNewest(sinks) }
  }
}
