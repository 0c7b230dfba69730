/// Encoders of super-blocks of 256: groups with scales that are themselves quantised.
extension BlockEncoder {
  /// 16 groups of 16; 4-bit scales and minimums.
  func encodeQ2K(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt8>) {
    var scales = InlineArray<16, Float>(repeating: 0)
    var minimums = InlineArray<16, Float>(repeating: 0)
    var (topScale, topMinimum): (Float, Float) = (0, 0)
    for group in 0..<16 {
      let part = x + 16 * group
      for i in 0..<16 { weights[i] = abs(part[i]) }
      (scales[group], minimums[group]) = searchAffine(
        part, count: 16, top: 3, levels: levels + 16 * group, start: -0.5, step: 0.1, steps: 15,
        absoluteError: true)
      if scales[group] > topScale { topScale = scales[group] }
      if minimums[group] > topMinimum { topMinimum = minimums[group] }
    }
    let scaleFactor = topScale > 0 ? 15 / topScale : 0
    let minimumFactor = topMinimum > 0 ? 15 / topMinimum : 0
    for group in 0..<16 {
      let scale = nearest(scaleFactor * scales[group])
      let minimum = nearest(minimumFactor * minimums[group])
      y[group] = UInt8(truncatingIfNeeded: scale | minimum << 4)
    }
    let d = storeHalf(topScale > 0 ? topScale / 15 : 0, y + 80)
    let dmin = storeHalf(topMinimum > 0 ? topMinimum / 15 : 0, y + 82)
    for group in 0..<16 {
      requantize(
        x, group: group, size: 16, top: 3, scale: d * Float(y[group] & 15),
        minimum: dmin * Float(y[group] >> 4))
    }
    packTwoBits(y + 16)
  }

  /// 16 groups of 16; signed 6-bit scales, no minimums.
  func encodeQ3K(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt8>) {
    var scales = InlineArray<16, Float>(repeating: 0)
    var largest: Float = 0
    for group in 0..<16 {
      scales[group] = searchThreeBits(x + 16 * group, levels: levels + 16 * group)
      if abs(scales[group]) > abs(largest) { largest = scales[group] }
    }
    let packed = y + 96
    for i in 0..<12 { packed[i] = 0 }
    let inverse = largest != 0 ? -32 / largest : 0
    let d = storeHalf(largest != 0 ? 1 / inverse : 0, y + 108)
    for group in 0..<16 {
      let level = largest != 0 ? clamp(nearest(inverse * scales[group]), -32, 31) + 32 : 0
      packed[group % 8] |= UInt8(level & 15) << (group < 8 ? 0 : 4)
      packed[8 + group % 4] |= UInt8(level >> 4) << UInt8(group / 4 * 2)
      let scale = d * Float(level - 32)
      guard scale != 0 else { continue }
      for i in group * 16..<group * 16 + 16 {
        levels[i] = clamp(nearest(x[i] / scale), -4, 3) + 4
      }
    }
    for i in 0..<32 {
      var high: Int32 = 0
      for bit in 0..<8 {
        let level = levels[bit * 32 + i]
        high |= (level >> 2) << Int32(bit)
        levels[bit * 32 + i] = level & 3
      }
      y[i] = UInt8(truncatingIfNeeded: high)
    }
    packTwoBits(y + 32)
  }

  /// 8 groups of 32; 6-bit scales and minimums.
  func encodeQ4K(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt8>) {
    eightGroups(x, y, top: 15, start: -1, steps: 20)
    for i in 0..<128 {
      let first = i / 32 * 64 + i % 32
      y[16 + i] = UInt8(truncatingIfNeeded: levels[first] | levels[first + 32] << 4)
    }
  }

  /// Like Q4_K, with a fifth bit apart.
  func encodeQ5K(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt8>) {
    eightGroups(x, y, top: 31, start: -0.5, steps: 15)
    for i in 0..<32 {
      var high: Int32 = 0
      for group in 0..<8 { high |= (levels[group * 32 + i] >> 4) << Int32(group) }
      y[16 + i] = UInt8(truncatingIfNeeded: high)
    }
    for i in 0..<128 {
      let first = i / 32 * 64 + i % 32
      y[48 + i] = UInt8(truncatingIfNeeded: levels[first] & 15 | (levels[first + 32] & 15) << 4)
    }
  }

  /// Scales, minimums and levels of Q4_K and Q5_K; the levels are left in `levels`.
  private func eightGroups(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt8>, top: Int32, start: Float,
    steps: Int
  ) {
    var scales = InlineArray<8, Float>(repeating: 0)
    var minimums = InlineArray<8, Float>(repeating: 0)
    var (topScale, topMinimum): (Float, Float) = (0, 0)
    for group in 0..<8 {
      let part = x + 32 * group
      var squares: Float = 0
      for i in 0..<32 { squares += part[i] * part[i] }
      let average = (squares / 32).squareRoot()
      for i in 0..<32 { weights[i] = average + abs(part[i]) }
      (scales[group], minimums[group]) = searchAffine(
        part, count: 32, top: top, levels: levels + 32 * group, start: start, step: 0.1,
        steps: steps, absoluteError: false)
      if scales[group] > topScale { topScale = scales[group] }
      if minimums[group] > topMinimum { topMinimum = minimums[group] }
    }
    let scaleFactor = topScale > 0 ? 63 / topScale : 0
    let minimumFactor = topMinimum > 0 ? 63 / topMinimum : 0
    let d = storeHalf(topScale / 63, y)
    let dmin = storeHalf(topMinimum / 63, y + 2)
    let packed = y + 4
    for group in 0..<8 {
      // ggml narrows to a byte before it limits to 63.
      let scale = min(63, UInt8(truncatingIfNeeded: nearest(scaleFactor * scales[group])))
      let minimum = min(63, UInt8(truncatingIfNeeded: nearest(minimumFactor * minimums[group])))
      if group < 4 {
        packed[group] = scale
        packed[group + 4] = minimum
      } else {
        packed[group + 4] = scale & 15 | (minimum & 15) << 4
        packed[group - 4] |= (scale >> 4) << 6
        packed[group] |= (minimum >> 4) << 6
      }
      requantize(
        x, group: group, size: 32, top: top, scale: d * Float(scale),
        minimum: dmin * Float(minimum))
    }
  }

  /// The levels of one group again, now for the scale and minimum as they are stored.
  private func requantize(
    _ x: UnsafePointer<Float>, group: Int, size: Int, top: Int32, scale: Float, minimum: Float
  ) {
    guard scale != 0 else { return }
    for i in group * size..<(group + 1) * size {
      levels[i] = clamp(nearest((x[i] + minimum) / scale), 0, top)
    }
  }

  /// 16 groups of 16; signed 8-bit scales, no minimums.
  func encodeQ6K(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt8>) {
    var scales = InlineArray<16, Float>(repeating: 0)
    var largest: Float = 0
    for group in 0..<16 {
      scales[group] = searchSymmetric(x + 16 * group, half: 32, levels: levels + 16 * group)
      if abs(scales[group]) > abs(largest) { largest = scales[group] }
    }
    guard abs(largest) >= Self.zeroLimit else {
      for i in 0..<210 { y[i] = 0 }
      return
    }
    let inverse = -128 / largest
    let d = storeHalf(1 / inverse, y + 208)
    for group in 0..<16 {
      let level = Int8(truncatingIfNeeded: min(127, nearest(inverse * scales[group])))
      y[192 + group] = UInt8(bitPattern: level)
      let scale = d * Float(level)
      guard scale != 0 else { continue }
      for i in group * 16..<group * 16 + 16 {
        levels[i] = clamp(nearest(x[i] / scale), -32, 31) + 32
      }
    }
    for half in 0..<2 {
      for i in 0..<32 {
        let run = levels + half * 128 + i
        let (a, b, c, d) = (run[0], run[32], run[64], run[96])
        y[half * 64 + i] = UInt8(truncatingIfNeeded: a & 15 | (c & 15) << 4)
        y[half * 64 + i + 32] = UInt8(truncatingIfNeeded: b & 15 | (d & 15) << 4)
        y[128 + half * 32 + i] = UInt8(
          truncatingIfNeeded: a >> 4 | (b >> 4) << 2 | (c >> 4) << 4 | (d >> 4) << 6)
      }
    }
  }

  /// Four runs of 32 side by side in 32 bytes, twice.
  private func packTwoBits(_ y: UnsafeMutablePointer<UInt8>) {
    for i in 0..<64 {
      let run = levels + i / 32 * 128 + i % 32
      y[i] = UInt8(truncatingIfNeeded: run[0] | run[32] << 2 | run[64] << 4 | run[96] << 6)
    }
  }
}
