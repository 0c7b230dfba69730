/// Encoders of blocks of 32: one scale, and in some types a minimum, a block.
extension BlockEncoder {
  private static let count = 32

  /// The number of largest magnitude, with its sign; the first of equals.
  private func extreme(_ x: UnsafePointer<Float>) -> Float {
    var magnitude: Float = 0
    var result: Float = 0
    for i in 0..<Self.count where magnitude < abs(x[i]) {
      magnitude = abs(x[i])
      result = x[i]
    }
    return result
  }

  private func range(_ x: UnsafePointer<Float>) -> (minimum: Float, maximum: Float) {
    var minimum = Float.greatestFiniteMagnitude
    var maximum = -Float.greatestFiniteMagnitude
    for i in 0..<Self.count {
      if x[i] < minimum { minimum = x[i] }
      if x[i] > maximum { maximum = x[i] }
    }
    return (minimum, maximum)
  }

  private func inverse(_ scale: Float) -> Float { scale != 0 ? 1 / scale : 0 }

  /// Number i goes to the low nibble of byte i, number i + 16 to its high nibble.
  private func packNibbles(_ y: UnsafeMutablePointer<UInt8>, _ level: (Int) -> Int32) {
    for i in 0..<16 {
      y[i] = UInt8(truncatingIfNeeded: level(i) & 15 | (level(i + 16) & 15) << 4)
    }
  }

  /// Bit i is the fifth bit of number i.
  private func packFifthBits(_ y: UnsafeMutablePointer<UInt8>, _ level: (Int) -> Int32) {
    var bits: UInt32 = 0
    for i in 0..<Self.count { bits |= UInt32(truncatingIfNeeded: level(i) >> 4 & 1) << UInt32(i) }
    store(bits, y)
  }

  func encodeQ40(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt8>) {
    let scale = extreme(x) / -8
    let factor = inverse(scale)
    storeHalf(scale, y)
    packNibbles(y + 2) { clamp(truncated(x[$0] * factor + 8.5), 0, 15) }
  }

  func encodeQ41(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt8>) {
    let (minimum, maximum) = range(x)
    let scale = (maximum - minimum) / 15
    let factor = inverse(scale)
    storeHalf(scale, y)
    storeHalf(minimum, y + 2)
    packNibbles(y + 4) { clamp(truncated((x[$0] - minimum) * factor + 0.5), 0, 15) }
  }

  func encodeQ50(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt8>) {
    let scale = extreme(x) / -16
    let factor = inverse(scale)
    storeHalf(scale, y)
    for i in 0..<Self.count { levels[i] = clamp(truncated(x[i] * factor + 16.5), 0, 31) }
    packFifthBits(y + 2) { levels[$0] }
    packNibbles(y + 6) { levels[$0] }
  }

  func encodeQ51(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt8>) {
    let (minimum, maximum) = range(x)
    let scale = (maximum - minimum) / 31
    let factor = inverse(scale)
    storeHalf(scale, y)
    storeHalf(minimum, y + 2)
    for i in 0..<Self.count {
      levels[i] = clamp(truncated((x[i] - minimum) * factor + 0.5), 0, 31)
    }
    packFifthBits(y + 4) { levels[$0] }
    packNibbles(y + 8) { levels[$0] }
  }

  func encodeQ80(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt8>) {
    let scale = abs(extreme(x)) / 127
    let factor = inverse(scale)
    storeHalf(scale, y)
    for i in 0..<Self.count {
      let level = truncated((x[i] * factor).rounded(.toNearestOrAwayFromZero))
      y[2 + i] = UInt8(truncatingIfNeeded: level)
    }
  }

  /// Fifteen scales around the extreme are tried; the one with the least weighted error wins.
  func encodeIQ4NL(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt8>) {
    let largest = extreme(x)
    let first = Float(iq4Values[0])
    var scale: Float = 0
    if abs(largest) >= Self.zeroLimit {
      var best: Float = 0
      if let plain = fit(x, inverseScale: 1 / (-largest / first), mustBeat: nil) {
        (best, scale) = plain
      }
      for step in -7...7 {
        if let better = fit(x, inverseScale: (Float(step) + first) / largest, mustBeat: best) {
          (best, scale) = better
        }
      }
    }
    storeHalf(scale, y)
    let factor = inverse(scale)
    packNibbles(y + 2) { Int32(nearestIQ4(factor * x[$0])) }
  }

  /// The least-squares scale for the levels that `inverseScale` gives, and what it explains of the squares.
  private func fit(
    _ x: UnsafePointer<Float>, inverseScale: Float, mustBeat best: Float?
  ) -> (explained: Float, scale: Float)? {
    var products: Float = 0
    var squares: Float = 0
    for i in 0..<Self.count {
      let level = Float(iq4Values[nearestIQ4(inverseScale * x[i])])
      let weight = x[i] * x[i]
      products += weight * level * x[i]
      squares += weight * level * level
    }
    guard squares > 0 else { return nil }
    if let best, products * products <= best * squares { return nil }
    let scale = products / squares
    return (scale * products, scale)
  }
}

private let iq4Values: InlineArray<16, Int8> = [
  -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
]

/// The index of the value nearest to `number`; the upper of two that are equally near.
private func nearestIQ4(_ number: Float) -> Int {
  if !(number > Float(iq4Values[0])) { return 0 }
  if number >= Float(iq4Values[15]) { return 15 }
  var low = 0
  var high = 15
  while high - low > 1 {
    let middle = (low + high) / 2
    if number < Float(iq4Values[middle]) { high = middle } else { low = middle }
  }
  return number - Float(iq4Values[high - 1]) < Float(iq4Values[high]) - number ? high - 1 : high
}
