import Foundation

/// Softmax over the scores of many keys.
package enum Softmax {
  /// Adds each score's share of the sum of exponentials to `votes`.
  ///
  /// Scores are multiplied by `scale` before. Where a score stands for several keys, `sizes` says for
  /// how many: the sum then has its exponential as many times, and a vote is that of one key.
  package static func add(
    _ scores: ArraySlice<Float>, scale: Float = 1, sizes: [Float] = [], to votes: inout [Float]
  ) {
    precondition(votes.count == scores.count, "\(votes.count) votes for \(scores.count) scores")
    precondition(sizes.isEmpty || sizes.count == scores.count)
    let whole = scores.count / 16 * 16
    scores.withUnsafeBytes { scores in
      sizes.withUnsafeBytes { sizes in
        votes.withUnsafeMutableBytes { votes in
          let highest = Self.highest(scores, scale: scale)
          func exponentials(_ at: Int) -> SIMD16<Float> {
            Self.exponentials(scores, at, scale: scale, highest: highest)
          }
          var sums = SIMD16<Float>(repeating: 0)
          for at in stride(from: 0, to: votes.count, by: 64) {
            let numbers = exponentials(at)
            sums += sizes.isEmpty ? numbers : numbers * Self.load(sizes, at, fill: 0)
          }
          let factor = 1 / sums.sum()
          for at in stride(from: 0, to: whole * 4, by: 64) {
            votes.storeBytes(
              of: votes.loadUnaligned(fromByteOffset: at, as: SIMD16<Float>.self)
                + exponentials(at) * factor,
              toByteOffset: at, as: SIMD16<Float>.self)
          }
          let rest = exponentials(whole * 4)
          for at in stride(from: whole * 4, to: votes.count, by: 4) {
            let vote = votes.load(fromByteOffset: at, as: Float.self)
            votes.storeBytes(
              of: vote + rest[at / 4 - whole] * factor, toByteOffset: at, as: Float.self)
          }
        }
      }
    }
  }

  /// For each score, the logarithm of the largest share that it has of the sum of exponentials of a vector.
  ///
  /// `scores` are those of `vectorCount` vectors, one behind the other; NaN and what a vector gives with NaN do not count.
  package static func largestShares(_ scores: [Float], vectorCount: Int) -> [Float] {
    precondition(vectorCount > 0 && scores.count % vectorCount == 0)
    let size = scores.count / vectorCount
    var shares = [Float](repeating: -.infinity, count: size)
    shares.withUnsafeMutableBufferPointer { shares in
      scores.withUnsafeBufferPointer { scores in
        for first in stride(from: 0, to: vectorCount * size, by: max(size, 1)) {
          let scores = UnsafeBufferPointer(rebasing: scores[first..<first + size])
          let sum = logSumExp(UnsafeRawBufferPointer(scores))
          for index in 0..<size {
            let share = scores[index] - sum
            shares[index] = share > shares[index] ? share : shares[index]
          }
        }
      }
    }
    return shares
  }

  /// The logarithm of the sum of the exponentials of the scores.
  private static func logSumExp(_ scores: UnsafeRawBufferPointer) -> Float {
    let highest = Self.highest(scores, scale: 1)
    var sums = SIMD16<Float>(repeating: 0)
    for at in stride(from: 0, to: scores.count, by: 64) {
      sums += exponentials(scores, at, scale: 1, highest: highest)
    }
    return highest + log(sums.sum())
  }

  /// Turns scores into their shares of the sum of exponentials of `scale` times them, where they stand.
  static func normalize(_ scores: UnsafeMutablePointer<Float>, count: Int, scale: Float) {
    let bytes = UnsafeMutableRawBufferPointer(start: scores, count: count * 4)
    let highest = Self.highest(UnsafeRawBufferPointer(bytes), scale: scale)
    let whole = count / 16 * 16
    let rest = exponentials(
      UnsafeRawBufferPointer(bytes), whole * 4, scale: scale, highest: highest)
    var sums = SIMD16<Float>(repeating: 0)
    for at in stride(from: 0, to: whole * 4, by: 64) {
      let numbers = exponentials(
        UnsafeRawBufferPointer(bytes), at, scale: scale, highest: highest)
      sums += numbers
      bytes.storeBytes(of: numbers, toByteOffset: at, as: SIMD16<Float>.self)
    }
    for index in whole..<count { sums[index - whole] += rest[index - whole] }
    let factor = 1 / sums.sum()
    for index in 0..<whole { scores[index] *= factor }
    for index in whole..<count { scores[index] = rest[index - whole] * factor }
  }

  /// The largest of each `size` scores, one group behind the other; NaN does not count.
  package static func highest(_ scores: ArraySlice<Float>, ofEach size: Int) -> [Float] {
    scores.withUnsafeBufferPointer { scores in
      [Float](unsafeUninitializedCapacity: scores.count / size) { highest, count in
        count = scores.count / size
        for group in 0..<count {
          // Four at a time where there are as many.
          var at = group * size
          let end = at + size
          var four = SIMD4<Float>(repeating: -.infinity)
          while at + 4 <= end {
            let next = SIMD4(scores[at], scores[at + 1], scores[at + 2], scores[at + 3])
            four.replace(with: next, where: next .> four)
            at += 4
          }
          var most = max(max(four[0], four[1]), max(four[2], four[3]))
          while at < end {
            most = scores[at] > most ? scores[at] : most
            at += 1
          }
          highest[group] = most
        }
      }
    }
  }

  /// The largest score times `scale`; NaN does not count.
  static func highest(_ scores: UnsafeRawBufferPointer, scale: Float) -> Float {
    var highest = SIMD16<Float>(repeating: -.infinity)
    for at in stride(from: 0, to: scores.count, by: 64) {
      let numbers = load(scores, at, fill: -.infinity) * scale
      highest.replace(with: numbers, where: numbers .> highest)
    }
    return highest.max()
  }

  /// exp(score * scale - highest) of sixteen scores; nearly 0 behind the last.
  private static func exponentials(
    _ scores: UnsafeRawBufferPointer, _ at: Int, scale: Float, highest: Float
  ) -> SIMD16<Float> {
    exponential(load(scores, at, fill: -.infinity) * scale - highest)
  }

  /// Sixteen floats, `fill` behind the end.
  private static func load(
    _ bytes: UnsafeRawBufferPointer, _ at: Int, fill: Float
  ) -> SIMD16<Float> {
    if at + 64 <= bytes.count {
      return bytes.loadUnaligned(fromByteOffset: at, as: SIMD16<Float>.self)
    }
    var numbers = SIMD16<Float>(repeating: fill)
    for lane in 0..<max(bytes.count - at, 0) / 4 {
      numbers[lane] = bytes.load(fromByteOffset: at + lane * 4, as: Float.self)
    }
    return numbers
  }

  /// exp(x) of x <= 0 to 3e-6 of it: 2 to the whole part of x / ln 2, times the series of the rest.
  private static func exponential(_ x: SIMD16<Float>) -> SIMD16<Float> {
    let smallest = SIMD16<Float>(repeating: -86)
    let x = x.replacing(with: smallest, where: x .< smallest)
    // Rounds to a whole number, which then stands in the lowest bits.
    let shift: Float = 0x1.8p23
    let scaled = x * 1.442_695_04
    let shifted = scaled + shift
    let rest = (scaled - (shifted - shift)) * 0.693_147_18
    var series = rest * (1 / 120 as Float) + (1 / 24 as Float)
    series = series * rest + (1 / 6 as Float)
    series = series * rest + 0.5
    series = series * rest + 1
    series = series * rest + 1
    let exponent = unsafeBitCast(shifted, to: SIMD16<UInt32>.self) &<< 23
    return unsafeBitCast(
      unsafeBitCast(series, to: SIMD16<UInt32>.self) &+ exponent, to: SIMD16<Float>.self)
  }
}
