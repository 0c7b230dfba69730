/// A number of bytes as people write it: `512M`, `4GiB`, `1000000`.
public struct ByteCount: Sendable, Equatable, CustomStringConvertible {
  public let bytes: Int

  public init(_ bytes: Int) { self.bytes = bytes }

  /// Parses a number with an optional K, M, G or T (powers of 1024; `B` and `iB` may follow).
  public init?(parsing text: String) {
    var number = text.uppercased()
    for suffix in ["IB", "B"] where number.hasSuffix(suffix) {
      number.removeLast(suffix.count)
      break
    }
    var shift = 0
    if let unit = number.last, let power = ["K": 10, "M": 20, "G": 30, "T": 40][String(unit)] {
      shift = power
      number.removeLast()
    }
    guard let value = Double(number), value >= 0 else { return nil }
    let product = value * Double(1 << shift)
    guard product < 9e18 else { return nil }
    bytes = Int(product)
  }

  public var description: String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var value = Double(bytes)
    var unit = 0
    while value >= 1024, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    let rounded = (value * 100).rounded() / 100
    return unit == 0 ? "\(bytes) B" : "\(rounded) \(units[unit])"
  }
}
