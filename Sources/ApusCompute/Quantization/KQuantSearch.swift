/// The searches for scales that the k-quants share.
extension BlockEncoder {
  /// Groups whose largest magnitude is below this count as zero.
  static var zeroLimit: Float { 1e-15 }

  /// Scale and minimum for levels 0...top that lessen the weighted error of `levels * scale - minimum`.
  ///
  /// Starts from the plain range and tries `steps` + 1 finer and coarser scales, each with its least-squares fit;
  /// a better fit's minimum is where the next trial starts.
  func searchAffine(
    _ x: UnsafePointer<Float>, count: Int, top: Int32, levels: UnsafeMutablePointer<Int32>,
    start: Float, step: Float, steps: Int, absoluteError: Bool
  ) -> (scale: Float, minimum: Float) {
    var minimum = x[0]
    var maximum = x[0]
    var weightSum = weights[0]
    var weightedSum = weightSum * x[0]
    for i in 1..<count {
      if x[i] < minimum { minimum = x[i] }
      if x[i] > maximum { maximum = x[i] }
      weightSum += weights[i]
      weightedSum += weights[i] * x[i]
    }
    if minimum > 0 { minimum = 0 }
    guard maximum != minimum else {
      for i in 0..<count { levels[i] = 0 }
      return (0, -minimum)
    }
    let plain = Float(top) / (maximum - minimum)
    var scale = 1 / plain
    for i in 0..<count { levels[i] = clamp(nearest(plain * (x[i] - minimum)), 0, top) }
    var bestError = error(x, count, levels, scale, minimum, absoluteError)
    for index in 0...steps {
      let inverse = (start + step * Float(index) + Float(top)) / (maximum - minimum)
      guard
        let fit = fitAffine(
          x, count: count, top: top, inverse: inverse, lowest: minimum, weightSum: weightSum,
          weightedSum: weightedSum)
      else { continue }
      let error = error(x, count, trial, fit.scale, fit.minimum, absoluteError)
      if error < bestError {
        for i in 0..<count { levels[i] = trial[i] }
        (bestError, scale, minimum) = (error, fit.scale, fit.minimum)
      }
    }
    return (scale, -minimum)
  }

  /// Fills `trial` with the levels for one inverse scale and returns the least-squares scale and minimum for them.
  private func fitAffine(
    _ x: UnsafePointer<Float>, count: Int, top: Int32, inverse: Float, lowest: Float,
    weightSum: Float, weightedSum: Float
  ) -> (scale: Float, minimum: Float)? {
    var sum: Float = 0
    var squares: Float = 0
    var products: Float = 0
    for i in 0..<count {
      let level = clamp(nearest(inverse * (x[i] - lowest)), 0, top)
      trial[i] = level
      let weighted = weights[i] * Float(level)
      sum += weighted
      squares += weighted * Float(level)
      products += weighted * x[i]
    }
    let determinant = weightSum * squares - sum * sum
    guard determinant > 0 else { return nil }
    let scale = (weightSum * products - weightedSum * sum) / determinant
    let minimum = (squares * weightedSum - sum * products) / determinant
    return minimum > 0 ? (products / squares, 0) : (scale, minimum)
  }

  private func error(
    _ x: UnsafePointer<Float>, _ count: Int, _ levels: UnsafeMutablePointer<Int32>, _ scale: Float,
    _ minimum: Float, _ absolute: Bool
  ) -> Float {
    var total: Float = 0
    for i in 0..<count {
      let difference = scale * Float(levels[i]) + minimum - x[i]
      total += weights[i] * (absolute ? abs(difference) : difference * difference)
    }
    return total
  }

  /// The first number of largest magnitude.
  private func extreme(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
    var magnitude: Float = 0
    var result: Float = 0
    for i in 0..<count where abs(x[i]) > magnitude {
      magnitude = abs(x[i])
      result = x[i]
    }
    return result
  }

  /// A scale for levels -half..<half (stored with `half` added) of 16 numbers, weighted by their squares.
  func searchSymmetric(
    _ x: UnsafePointer<Float>, half: Int32, levels: UnsafeMutablePointer<Int32>
  ) -> Float {
    let largest = extreme(x, 16)
    guard abs(largest) >= Self.zeroLimit else {
      for i in 0..<16 { levels[i] = 0 }
      return 0
    }
    var (products, squares) = sums(x, half: half, inverse: Float(-half) / largest, storing: levels)
    var scale = squares != 0 ? products / squares : 0
    var best = scale * products
    for step in -9...9 where step != 0 {
      let inverse = -(Float(half) + 0.1 * Float(step)) / largest
      (products, squares) = sums(x, half: half, inverse: inverse, storing: nil)
      if squares > 0, products * products > best * squares {
        _ = sums(x, half: half, inverse: inverse, storing: levels)
        scale = products / squares
        best = scale * products
      }
    }
    return scale
  }

  private func sums(
    _ x: UnsafePointer<Float>, half: Int32, inverse: Float,
    storing levels: UnsafeMutablePointer<Int32>?
  ) -> (products: Float, squares: Float) {
    var products: Float = 0
    var squares: Float = 0
    for i in 0..<16 {
      let level = clamp(nearest(inverse * x[i]), -half, half - 1)
      levels?[i] = level + half
      let weight = x[i] * x[i]
      products += weight * x[i] * Float(level)
      squares += weight * Float(level) * Float(level)
    }
    return (products, squares)
  }

  /// A scale for levels -4..<4 (stored with 4 added) of 16 numbers, improved one level at a time.
  func searchThreeBits(_ x: UnsafePointer<Float>, levels: UnsafeMutablePointer<Int32>) -> Float {
    let largest = extreme(x, 16)
    guard abs(largest) >= Self.zeroLimit else {
      for i in 0..<16 { levels[i] = 0 }
      return 0
    }
    var (products, squares) = sums(x, half: 4, inverse: -4 / largest, storing: levels)
    for i in 0..<16 { levels[i] -= 4 }
    for _ in 0..<5 {
      var changed = false
      for i in 0..<16 {
        let weight = x[i] * x[i]
        var otherProducts = products - weight * x[i] * Float(levels[i])
        guard otherProducts > 0 else { continue }
        var otherSquares = squares - weight * Float(levels[i]) * Float(levels[i])
        let level = clamp(nearest(x[i] * otherSquares / otherProducts), -4, 3)
        guard level != levels[i] else { continue }
        otherProducts += weight * x[i] * Float(level)
        otherSquares += weight * Float(level) * Float(level)
        if otherSquares > 0,
          otherProducts * otherProducts * squares > products * products * otherSquares
        {
          levels[i] = level
          (products, squares) = (otherProducts, otherSquares)
          changed = true
        }
      }
      if !changed { break }
    }
    for i in 0..<16 { levels[i] += 4 }
    return squares > 0 ? products / squares : 0
  }
}
