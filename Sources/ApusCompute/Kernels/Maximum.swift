extension Span where Element == Float {
  /// The index of the highest number, the first of equals; nil where all are NaN.
  package var indexOfMaximum: Int? {
    let highest = withUnsafeBytes { Softmax.highest($0, scale: 1) }
    return indices.first { self[$0] == highest }
  }
}
