/// Rows of floats, such as what stands for each page of keys, to be multiplied by one vector.
///
/// Sixteen rows stand side by side, so that one instruction takes a number of each.
public struct SummaryTable: Sendable {
  static let lanes = 16
  public private(set) var count = 0
  /// Numbers of a row; known when there is one.
  private var width = 0
  /// [rows / 16][width][16]
  private var panels: [Float] = []

  public init() {}

  public mutating func removeAll() {
    count = 0
    panels.removeAll(keepingCapacity: true)
  }

  /// Adds a row; all rows have as many numbers.
  public mutating func append(_ row: [Float]) {
    if count == 0 { width = row.count }
    precondition(row.count == width, "a row of \(row.count) numbers among those of \(width)")
    if count % Self.lanes == 0 {
      panels += repeatElement(0, count: width * Self.lanes)
    }
    let start = count / Self.lanes * width * Self.lanes + count % Self.lanes
    for (index, number) in row.enumerated() { panels[start + index * Self.lanes] = number }
    count += 1
  }

  /// The product of each row with `vector`.
  public func scores(_ vector: [Float], into scores: inout [Float]) {
    scores.removeAll(keepingCapacity: true)
    guard count > 0 else { return }
    precondition(vector.count == width, "\(vector.count) numbers for rows of \(width)")
    scores.reserveCapacity(count + Self.lanes)
    panels.withUnsafeBytes { bytes in
      for panel in stride(from: 0, to: count, by: Self.lanes) {
        var at = panel * width * MemoryLayout<Float>.stride
        var sum = SIMD16<Float>(repeating: 0)
        for number in vector {
          sum += bytes.loadUnaligned(fromByteOffset: at, as: SIMD16<Float>.self) * number
          at += MemoryLayout<SIMD16<Float>>.stride
        }
        for lane in 0..<min(Self.lanes, count - panel) { scores.append(sum[lane]) }
      }
    }
  }
}
