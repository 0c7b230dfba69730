/// Counts observations by size, as Prometheus wants them.
struct Histogram: Sendable {
  /// The upper ends, in order.
  let bounds: [Double]
  /// One for each bound, and one for what is larger than the last.
  private(set) var counts: [Int]
  private(set) var sum = 0.0

  init(_ bounds: [Double]) {
    self.bounds = bounds
    counts = Array(repeating: 0, count: bounds.count + 1)
  }

  mutating func observe(_ value: Double) {
    counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
    sum += value
  }

  /// The lines of the text format; `label` is `name="value"`.
  func lines(_ name: String, label: String) -> [String] {
    var total = 0
    var lines: [String] = []
    for (bound, count) in zip(bounds.map { String($0) } + ["+Inf"], counts) {
      total += count
      lines.append("\(name)_bucket{\(label),le=\"\(bound)\"} \(total)")
    }
    lines.append("\(name)_sum{\(label)} \(sum)")
    lines.append("\(name)_count{\(label)} \(total)")
    return lines
  }
}

extension Histogram {
  /// vLLM's limits for the time to the first token.
  static let firstToken = Histogram([
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40,
    80, 160, 640, 2560,
  ])
  /// vLLM's limits for the time between tokens, and some below for small models.
  static let betweenTokens = Histogram([
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5,
    7.5, 10, 20, 40, 80,
  ])
  /// vLLM's limits for the parts of a request's time.
  static let request = Histogram([
    0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
  ])
  /// Tokens or pages: 1, 4, 16 and so on to a million.
  static let counts = Histogram((0...10).map { Double(1 << (2 * $0)) })
  /// 64 KiB to 64 GiB, each four times the one before.
  static let bytes = Histogram((8...18).map { Double(1 << (2 * $0)) })
}
