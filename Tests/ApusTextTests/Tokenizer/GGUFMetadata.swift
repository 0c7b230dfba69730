import ApusCore

/// Reads the key–value section of a GGUF file (versions 2 and 3); enough for tests.
struct GGUFMetadata {
  private let bytes: [UInt8]
  private var position = 0

  static func read(_ bytes: [UInt8]) throws -> Metadata {
    var reader = GGUFMetadata(bytes: bytes)
    return try reader.read()
  }

  private struct Malformed: Error {}

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private mutating func read() throws -> Metadata {
    guard try take(4).elementsEqual("GGUF".utf8) else { throw Malformed() }
    _ = try integer(4)
    _ = try integer(8)
    let count = try integer(8)
    var metadata: Metadata = [:]
    for _ in 0..<count {
      let key = try string()
      metadata[key] = try value(try integer(4))
    }
    return metadata
  }

  private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.count - position else { throw Malformed() }
    position += count
    return bytes[position - count..<position]
  }

  private mutating func integer(_ size: Int) throws -> Int {
    Int(truncatingIfNeeded: try take(size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }

  private mutating func string() throws -> String {
    String(decoding: try take(try integer(8)), as: UTF8.self)
  }

  private mutating func value(_ type: Int) throws -> MetadataValue {
    switch type {
    case 0, 2, 4, 10: return .unsigned(UInt64(try integer([0: 1, 2: 2, 4: 4, 10: 8][type] ?? 8)))
    case 1: return .integer(Int64(Int8(truncatingIfNeeded: try integer(1))))
    case 3: return .integer(Int64(Int16(truncatingIfNeeded: try integer(2))))
    case 5: return .integer(Int64(Int32(truncatingIfNeeded: try integer(4))))
    case 6: return .number(Double(Float(bitPattern: UInt32(try integer(4)))))
    case 7: return .bool(try integer(1) != 0)
    case 8: return .string(try string())
    case 9: return try array()
    case 11: return .integer(Int64(try integer(8)))
    case 12: return .number(Double(bitPattern: UInt64(bitPattern: Int64(try integer(8)))))
    default: throw Malformed()
    }
  }

  private mutating func array() throws -> MetadataValue {
    let type = try integer(4)
    let count = try integer(8)
    var strings: [String] = []
    var integers: [Int64] = []
    var numbers: [Float] = []
    for _ in 0..<count {
      switch try value(type) {
      case .string(let text): strings.append(text)
      case .integer(let integer): integers.append(integer)
      case .unsigned(let integer): integers.append(Int64(truncatingIfNeeded: integer))
      case .number(let number): numbers.append(Float(number))
      default: throw Malformed()
      }
    }
    return type == 8
      ? .strings(strings) : type == 6 || type == 12 ? .numbers(numbers) : .integers(integers)
  }
}
