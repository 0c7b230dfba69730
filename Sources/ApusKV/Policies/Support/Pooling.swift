/// How scores are pooled along the text, so that the neighbours of a key that matters stay with it.
enum Pooling: String, Sendable, CaseIterable {
  case average = "avg"
  case maximum = "max"

  /// Each score becomes the mean or the largest of the `kernel` scores around it; beyond the ends they are 0.
  func pooled(_ scores: [Float], kernel: Int) -> [Float] {
    guard kernel > 1 else { return scores }
    let reach = kernel / 2
    return scores.indices.map { index in
      let near = scores[max(index - reach, 0)...min(index + reach, scores.count - 1)]
      return switch self {
      case .average: near.reduce(0, +) / Float(kernel)
      case .maximum: near.reduce(0, max)
      }
    }
  }
}
