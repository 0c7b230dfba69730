import ApusCompute
import ApusModels
import ApusScheduling
import Foundation

/// What steps of a model cost on this machine, kept in a folder so that the next start need not measure it.
///
/// A file that cannot be read or written is as good as none.
package struct StepCostCache {
  private let file: URL

  package init(
    folder: String, checkpoint: Checkpoint, configuration: EngineConfiguration, compute: Compute
  ) {
    // Weights of the same shapes and types take the same time.
    let parts = [
      "measured as of version 2",
      checkpoint.shapeDescription(
        precision: configuration.precision, quantization: configuration.quantization),
      "threads \(compute.pool.threadCount)", "instructions \(compute.instructionSet)",
      "rows \(configuration.maxBatchedTokens)",
      "formats \(configuration.keyFormat) \(configuration.valueFormat)",
    ]
    let name = ContentHash.hexadecimal(parts.joined(separator: "\n"))
    file = URL(filePath: folder).appending(path: "steps-\(name.prefix(32)).json")
  }

  /// The kept cost, or the measured one, which is kept.
  func cost(measuring measure: () -> StepCost?) -> StepCost? {
    if let kept = load() { return kept }
    let cost = measure()
    if let cost { store(cost) }
    return cost
  }

  /// The kept cost; nil when there is none, or none that makes sense.
  package func load() -> StepCost? {
    guard let data = try? Data(contentsOf: file),
      let cost = try? JSONDecoder().decode(StepCost.self, from: data)
    else { return nil }
    let numbers = [cost.step, cost.token, cost.key, cost.pair]
    guard numbers.allSatisfy({ $0 >= 0 && $0 < 3600 }), cost.step + cost.token > 0 else {
      return nil
    }
    return cost
  }

  package func store(_ cost: StepCost) {
    try? FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try? JSONEncoder().encode(cost).write(to: file, options: .atomic)
  }
}
