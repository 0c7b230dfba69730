/// GPT-2's mapping of the 256 bytes to printable characters, in which byte-level vocabularies are written.
package enum ByteAlphabet {
  /// The scalar that stands for each byte.
  package static let scalars: [UInt32] = {
    var scalars = [UInt32](repeating: 0, count: 256)
    var next: UInt32 = 256
    for byte in 0..<256 {
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: scalars[byte] = UInt32(byte)
      default:
        scalars[byte] = next
        next += 1
      }
    }
    return scalars
  }()

  /// The byte for each scalar below 324, or -1.
  static let bytes: [Int16] = {
    var bytes = [Int16](repeating: -1, count: 324)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = Int16(byte) }
    return bytes
  }()

  /// The bytes a piece stands for; nil when one of its characters is not in the alphabet.
  static func decode(_ piece: some Collection<UInt8>) -> [UInt8]? {
    let piece = Array(piece)
    var decoded: [UInt8] = []
    decoded.reserveCapacity(piece.count)
    var position = 0
    while position < piece.count {
      let (value, length) = UTF8Scan.scalar(piece, position, piece.count)
      guard value < 324, bytes[Int(value)] >= 0 else { return nil }
      decoded.append(UInt8(bytes[Int(value)]))
      position += length
    }
    return decoded
  }

  /// Writes the bytes of a range as characters of the alphabet.
  static func encode(_ text: [UInt8], _ range: Range<Int>, into mapped: inout [UInt8]) {
    for position in range { UTF8Scan.append(scalars[Int(text[position])], to: &mapped) }
  }
}
