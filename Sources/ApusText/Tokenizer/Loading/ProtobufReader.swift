/// Reads the wire format of protocol buffers.
struct ProtobufReader {
  enum Value {
    case varint(UInt64)
    case fixed32(UInt32)
    case fixed64(UInt64)
    case bytes(Range<Int>)
  }

  let data: [UInt8]
  private var position: Int
  private let end: Int

  init(_ data: [UInt8], _ range: Range<Int>) {
    self.data = data
    position = range.lowerBound
    end = range.upperBound
  }

  /// The next field and its number; nil at the end.
  mutating func next() throws -> (number: Int, value: Value)? {
    guard position < end else { return nil }
    let key = try varint()
    let number = Int(truncatingIfNeeded: key >> 3)
    switch key & 7 {
    case 0: return (number, .varint(try varint()))
    case 1: return (number, .fixed64(try fixed(8)))
    case 2:
      let length = try varint()
      guard length <= UInt64(end - position) else { throw Self.truncated }
      let start = position
      position += Int(length)
      return (number, .bytes(start..<position))
    case 5: return (number, .fixed32(UInt32(truncatingIfNeeded: try fixed(4))))
    default:
      throw TokenizerError.malformed(
        field: "sentencepiece model", problem: "has an unknown wire type")
    }
  }

  private static let truncated = TokenizerError.malformed(
    field: "sentencepiece model", problem: "ends in the middle of a field")

  private mutating func varint() throws -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < end, shift < 64 {
      let byte = data[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw Self.truncated
  }

  private mutating func fixed(_ count: Int) throws -> UInt64 {
    guard count <= end - position else { throw Self.truncated }
    let value = (0..<count).reduce(UInt64(0)) {
      $0 | UInt64(data[position + $1]) << UInt64(8 * $1)
    }
    position += count
    return value
  }
}

extension ProtobufReader.Value {
  var boolValue: Bool { if case .varint(let value) = self { value != 0 } else { false } }

  var intValue: Int {
    if case .varint(let value) = self { Int(Int32(truncatingIfNeeded: value)) } else { 0 }
  }

  var floatValue: Float {
    if case .fixed32(let bits) = self { Float(bitPattern: bits) } else { 0 }
  }
}
