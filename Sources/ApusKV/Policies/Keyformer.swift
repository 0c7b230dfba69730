import ApusCore
import Foundation

/// Keeps the newest tokens and those of the highest sum of attention under Gumbel noise, at a temperature that rises
/// from 1 to 2 (Keyformer, arXiv:2403.09054).
///
/// Only the mean p of a step's attention is known: softmax((x + noise) / t) becomes (p · e^noise)^(1/t), normalised, and
/// counts as much as the step has query vectors. The noise of a key is drawn anew in each step, from the seed, the step
/// and the key's place in its head: all heads have the same. The temperature reaches 2 in `steps` steps.
public struct Keyformer: ScoringKVPolicy {
  public let budget: KVBudget
  let recent: Double
  let seed: UInt64
  let steps: Int
  public let trigger: KVTrigger

  public init(options: PluginOptions) throws {
    budget = try options.budget("budget", default: .tokens(1024))
    recent = try options.double("recent", in: 0...1) ?? 0.25
    seed = UInt64(try options.int("seed", in: 0...Int.max) ?? 0)
    steps = try options.int("steps", in: 1...1 << 20) ?? 100
    trigger = try options.slack()
  }

  public var needs: KVNeeds { KVNeeds(mass: .every) }

  public func window(ofCapacity capacity: Int) -> Int {
    Int((recent * Double(capacity)).rounded())
  }

  public func scores(of head: KVHeadView, in layer: KVLayerView) -> [Float] { head.score }

  public func accumulate(_ observed: [Float], vectors: Int, step: Int, into score: inout [Float]) {
    var sources = RandomSource(seed: seed &+ UInt64(step))
    var source = RandomSource(seed: sources.next())
    let exponent = 1 / (1 + min(Double(step) / Double(steps), 1))
    let weights = observed.map { mass in
      // e^noise is 1 / -log(u).
      pow(Double(mass) / Double(max(vectors, 1)) / -log(source.nextUnit()), exponent)
    }
    let sum = weights.reduce(0, +)
    score += repeatElement(0, count: observed.count - score.count)
    guard sum > 0 else { return }
    for (index, weight) in weights.enumerated() {
      score[index] += Float(weight / sum * Double(vectors))
    }
  }
}
