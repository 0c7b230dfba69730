import ApusCore

/// SnapKV with budgets that fall linearly from the first layer to the last (PyramidKV, arXiv:2406.02069).
///
/// Their mean is the budget. Beside the window, the last layer has the share 1 / `beta` of the budget; more, if the
/// first would else get more than the prompt.
public struct PyramidKV: ScoringKVPolicy {
  let attention: PooledAttention
  let beta: Double

  public init(options: PluginOptions) throws {
    attention = try PooledAttention(options: options)
    beta = try options.double("beta", in: 1...1000) ?? 20
  }

  public var budget: KVBudget { attention.budget }
  public var needs: KVNeeds { KVNeeds(mass: .promptEnd(attention.window)) }

  public func capacity(layer: Int, head: Int, of shape: KVShape, promptCount: Int) -> Int {
    let mean = budget.tokens(of: promptCount)
    guard mean < promptCount, shape.layerCount > 1 else { return mean }
    let window = attention.window(ofCapacity: mean)
    let steepest = mean - window - Int(Double(mean - window) / beta)
    // By how much the first layer is above the mean, and the last below it.
    let slope = min(steepest, promptCount - mean)
    // Layers that lie opposite round to opposite numbers, so that the mean is exact.
    return mean + slope * (shape.layerCount - 1 - 2 * layer) / (shape.layerCount - 1)
  }

  public func window(ofCapacity capacity: Int) -> Int { attention.window(ofCapacity: capacity) }

  public func scores(of head: KVHeadView, in layer: KVLayerView) -> [Float] {
    attention.scores(of: head)
  }
}
