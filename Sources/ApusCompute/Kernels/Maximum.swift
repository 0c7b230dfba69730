extension Span where Element == Float {
  /// The index of the highest number, the first of equals; nil where all are NaN.
  package var indexOfMaximum: Int? {
    var lanes = SIMD16<Float>(repeating: -.infinity)
    let whole = count / 16 * 16
    withUnsafeBytes { bytes in
      for at in stride(from: 0, to: whole * 4, by: 64) {
        let numbers = bytes.loadUnaligned(fromByteOffset: at, as: SIMD16<Float>.self)
        lanes.replace(with: numbers, where: numbers .> lanes)
      }
    }
    var highest = lanes.max()
    for index in whole..<count where self[index] > highest { highest = self[index] }
    return indices.first { self[$0] == highest }
  }
}
