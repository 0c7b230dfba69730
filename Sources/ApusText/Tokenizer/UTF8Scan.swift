/// Steps over UTF-8 that is known to be valid.
package enum UTF8Scan {
  /// The number of bytes of the character that begins with this byte.
  @inline(__always)
  static func length(_ lead: UInt8) -> Int {
    lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
  }

  /// The scalar at a position and its length in bytes; a broken sequence reads as its first byte.
  @inline(__always)
  static func scalar(_ text: [UInt8], _ position: Int, _ end: Int) -> (value: UInt32, length: Int) {
    let lead = text[position]
    if lead < 0x80 { return (UInt32(lead), 1) }
    let length = length(lead)
    guard lead >= 0xC0, position + length <= end else { return (UInt32(lead), 1) }
    switch length {
    case 2:
      return (UInt32(lead & 0x1F) << 6 | UInt32(text[position + 1] & 0x3F), 2)
    case 3:
      let high = UInt32(lead & 0x0F) << 12 | UInt32(text[position + 1] & 0x3F) << 6
      return (high | UInt32(text[position + 2] & 0x3F), 3)
    default:
      let high = UInt32(lead & 0x07) << 18 | UInt32(text[position + 1] & 0x3F) << 12
      let low = UInt32(text[position + 2] & 0x3F) << 6 | UInt32(text[position + 3] & 0x3F)
      return high | low <= ScalarSet.limit ? (high | low, 4) : (0xFFFD, 1)
    }
  }

  package static func append(_ value: UInt32, to bytes: inout [UInt8]) {
    switch value {
    case ..<0x80: bytes.append(UInt8(value))
    case ..<0x800:
      bytes.append(UInt8(0xC0 | value >> 6))
      bytes.append(UInt8(0x80 | value & 0x3F))
    case ..<0x10000:
      bytes.append(UInt8(0xE0 | value >> 12))
      bytes.append(UInt8(0x80 | (value >> 6) & 0x3F))
      bytes.append(UInt8(0x80 | value & 0x3F))
    default:
      bytes.append(UInt8(0xF0 | (value >> 18) & 0x07))
      bytes.append(UInt8(0x80 | (value >> 12) & 0x3F))
      bytes.append(UInt8(0x80 | (value >> 6) & 0x3F))
      bytes.append(UInt8(0x80 | value & 0x3F))
    }
  }

  package static func scalars(_ text: [UInt8]) -> [UInt32] {
    var scalars: [UInt32] = []
    scalars.reserveCapacity(text.count)
    var position = 0
    while position < text.count {
      let (value, length) = scalar(text, position, text.count)
      scalars.append(value)
      position += length
    }
    return scalars
  }
}
