import ApusCore

/// Reads the prompt with the first layers, keeps the tokens that its last token attends to in layer `layer`, and reads
/// those with all layers (GemFilter, arXiv:2409.17422).
///
/// The attention of all heads of the layer is summed and pooled along the text.
public struct GemFilter: KVPolicy {
  let budget: KVBudget
  let layer: Int
  private let kernel: Int
  private let pooling: Pooling

  public init(options: PluginOptions) throws {
    budget = try options.budget("budget", default: .tokens(1024))
    layer = try options.int("layer", in: 0...1023) ?? 3
    kernel = try options.kernel()
    pooling = try options.choice("pooling", of: Pooling.self) ?? .average
  }

  public var needs: KVNeeds { KVNeeds(mass: .promptEnd(1)) }
  public var prelude: KVPrelude { .filter(layer: layer) }

  public func validate(for shape: KVShape) throws {
    guard layer < shape.layerCount else {
      throw KVPolicyError.layerOutside(
        policy: "gemfilter", option: "layer", layer: layer, layerCount: shape.layerCount)
    }
  }

  public func capacity(layer: Int, head: Int, of shape: KVShape, promptCount: Int) -> Int {
    budget.tokens(of: promptCount)
  }

  public func retained(of layer: KVLayerView) -> [[Int]] {
    zip(layer.heads, layer.summedScores).map { head, scores in
      head.best(pooling.pooled(scores, kernel: kernel), sinks: 0, window: 1)
    }
  }
}
