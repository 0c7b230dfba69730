import ApusCore
import Foundation

/// Keeps the tokens whose information is closest to the expected one until they weigh p (arXiv:2202.00666).
struct TypicalP: LogitsProcessor {
  static let keepsMostLikely = false

  private let p: Double

  init?(_ parameters: SamplingParameters) {
    guard parameters.typicalP < 1 else { return nil }
    p = Double(parameters.typicalP)
  }

  func apply(_ candidates: inout Candidates, history: [TokenID], generated: Int) {
    let probabilities = candidates.probabilities()
    let entropy = probabilities.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
    let distance = probabilities.map { $0 > 0 ? abs(-log($0) - entropy) : .infinity }
    let order = candidates.list.indices.sorted {
      distance[$0] != distance[$1]
        ? distance[$0] < distance[$1] : candidates.list[$0].token < candidates.list[$1].token
    }
    candidates.keep(order, until: p, of: probabilities)
  }
}
