import ApusCore

/// From the middle of the model on, pairs of layers share the directions of the keys and values of the prompt, but for
/// tokens whose directions differ most (MiniCache, arXiv:2405.14366).
///
/// No token is evicted. A prompt of up to `budget` tokens is left as it is.
public struct MiniCache: KVPolicy {
  let budget: KVBudget
  public let evicted: KVEvicted

  public init(options: PluginOptions) throws {
    budget = try options.budget("budget", default: .tokens(1024))
    evicted = .acrossLayers(
      start: try options.double("start", in: 0...1) ?? 0.5,
      retained: try options.double("retained", in: 0...1) ?? 0.05)
  }

  public func capacity(layer: Int, head: Int, of shape: KVShape, promptCount: Int) -> Int {
    budget.tokens(of: promptCount)
  }

  public func retained(of layer: KVLayerView) -> [[Int]] {
    layer.heads.map { Array(0..<$0.count) }
  }
}
