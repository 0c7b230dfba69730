import ApusAttention
import ApusCompute
import ApusCore
import ApusKV
import Foundation

/// The angles of rotary position embedding for one model and context length.
public struct RotaryEmbedding: Sendable {
  /// Radians a position, one a pair.
  public let frequencies: [Double]
  /// What cosines and sines are multiplied by (YaRN's and LongRoPE's attention factor).
  public let scale: Double
  public let interleaved: Bool

  /// `contextLength` is the longest sequence that will be run: dynamic NTK and LongRoPE choose by it, once, so that
  /// a key's rotation never depends on how much text follows.
  public init(_ rope: RopeConfiguration, contextLength: Int) {
    interleaved = rope.layout == .interleaved
    let base = Self.frequencies(base: rope.base, dimension: rope.dimension)
    switch rope.scaling {
    case .none:
      (frequencies, scale) = (base, 1)
    case .linear(let factor):
      (frequencies, scale) = (base.map { $0 / factor }, 1)
    case .ntk(let factor):
      (frequencies, scale) = (Self.ntk(rope, factor: factor), 1)
    case .dynamic(let factor, let original):
      let length = Double(max(contextLength, original)) / Double(original)
      (frequencies, scale) = (Self.ntk(rope, factor: factor * length - (factor - 1)), 1)
    case .llama3(let factor, let low, let high, let original):
      frequencies = base.map {
        Self.llama3($0, factor: factor, low: low, high: high, original: Double(original))
      }
      scale = 1
    case .divisors(let divisors):
      (frequencies, scale) = (zip(base, divisors).map { $0 / $1 }, 1)
    case .longRope(let short, let long, let original, let attentionFactor, let factor):
      let divisors = contextLength > original ? long : short
      frequencies = zip(base, divisors).map { $0 / $1 }
      let ratio = factor ?? max(1, Double(contextLength) / Double(original))
      scale =
        attentionFactor
        ?? (ratio <= 1 ? 1 : (1 + log(ratio) / log(Double(original))).squareRoot())
    case .yarn:
      (frequencies, scale) = Self.yarn(rope, base)
    }
  }

  /// The rotation that relocates stored keys.
  public var keyRotation: KeyRotation {
    KeyRotation(frequencies: frequencies, interleaved: interleaved)
  }

  /// Fills the table's first rows for these positions.
  func fill(_ table: inout RotationTable, positions: [Int32]) {
    for (row, position) in positions.enumerated() {
      for (index, frequency) in frequencies.enumerated() {
        let angle = Double(position) * frequency
        table.set(
          row: row, index: index, cosine: Float(cos(angle) * scale),
          sine: Float(sin(angle) * scale))
      }
    }
  }

  private static func frequencies(base: Double, dimension: Int) -> [Double] {
    (0..<dimension / 2).map { pow(base, -Double(2 * $0) / Double(dimension)) }
  }

  private static func ntk(_ rope: RopeConfiguration, factor: Double) -> [Double] {
    let dimension = Double(rope.dimension)
    let base = rope.base * pow(max(factor, 1), dimension / max(dimension - 2, 1))
    return frequencies(base: base, dimension: rope.dimension)
  }

  /// Llama 3.1's rule: low frequencies are divided by the factor, high ones kept, those between interpolated.
  private static func llama3(
    _ frequency: Double, factor: Double, low: Double, high: Double, original: Double
  ) -> Double {
    let wavelength = 2 * Double.pi / frequency
    if wavelength < original / high { return frequency }
    if wavelength > original / low { return frequency / factor }
    let smooth = (original / wavelength - low) / (high - low)
    return (1 - smooth) * frequency / factor + smooth * frequency
  }

  /// YaRN (arXiv:2309.00071): interpolation by parts and a temperature on the attention.
  private static func yarn(_ rope: RopeConfiguration, _ base: [Double]) -> ([Double], Double) {
    guard
      case .yarn(
        let factor, let original, let betaFast, let betaSlow, let attentionFactor, let mscale,
        let mscaleAll, let truncate) = rope.scaling
    else { return (base, 1) }
    let dimension = Double(rope.dimension)
    func pair(rotations: Double) -> Double {
      dimension * log(Double(original) / (rotations * 2 * .pi)) / (2 * log(rope.base))
    }
    var low = pair(rotations: betaFast)
    var high = pair(rotations: betaSlow)
    if truncate { (low, high) = (low.rounded(.down), high.rounded(.up)) }
    (low, high) = (max(low, 0), min(high, dimension - 1))
    if low == high { high += 0.001 }
    let frequencies = base.enumerated().map { index, frequency in
      let ramp = min(max((Double(index) - low) / (high - low), 0), 1)
      return frequency / factor * ramp + frequency * (1 - ramp)
    }
    func magnitude(_ m: Double) -> Double { factor <= 1 ? 1 : 0.1 * m * log(factor) + 1 }
    let scale: Double
    if let attentionFactor {
      scale = attentionFactor
    } else if let mscale, let mscaleAll, mscale != 0, mscaleAll != 0 {
      scale = magnitude(mscale) / magnitude(mscaleAll)
    } else {
      scale = magnitude(1)
    }
    return (frequencies, scale)
  }
}
