import Foundation

/// The Gaussian error linear unit (arXiv:1606.08415), by the error function and not by its approximations.
enum Gelu {
  static func apply(
    _ row: UnsafePointer<Float>, count: Int, into target: UnsafeMutablePointer<Float>
  ) {
    let factor = Float(0.5).squareRoot()
    for index in 0..<count {
      let x = row[index]
      target[index] = 0.5 * x * (1 + erff(x * factor))
    }
  }
}
