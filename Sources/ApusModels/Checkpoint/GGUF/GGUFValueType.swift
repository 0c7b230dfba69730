import ApusCore

/// The type numbers of a GGUF file's key–value section (ggml's `docs/gguf.md`).
package enum GGUFValueType: UInt32, Sendable {
  case uint8 = 0
  case int8 = 1
  case uint16 = 2
  case int16 = 3
  case uint32 = 4
  case int32 = 5
  case float32 = 6
  case bool = 7
  case string = 8
  case array = 9
  case uint64 = 10
  case int64 = 11
  case float64 = 12

  /// Bytes of one value, or the least that a string or an array takes.
  var byteCount: Int {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64, .string: 8
    case .array: 12
    }
  }
}

extension GGUFCursor {
  mutating func valueType() throws -> GGUFValueType {
    let number = try uint32()
    guard let type = GGUFValueType(rawValue: number) else {
      throw malformed("value type \(number) is unknown")
    }
    return type
  }

  mutating func value(_ type: GGUFValueType) throws -> MetadataValue {
    switch type {
    case .uint8, .uint16, .uint32: return .unsigned(UInt64(clamping: try integer(type)))
    case .uint64: return .unsigned(try uint64())
    case .int8, .int16, .int32, .int64: return .integer(try integer(type))
    case .float32, .float64: return .number(try number(type))
    case .bool: return .bool(try bool())
    case .string: return .string(try string())
    case .array: return try array()
    }
  }

  private mutating func array() throws -> MetadataValue {
    let type = try valueType()
    guard type != .array else { throw malformed("arrays of arrays are not supported") }
    let count = try count(of: "array elements", minimum: type.byteCount)
    switch type {
    case .bool: return .bools(try elements(count) { try $0.bool() })
    case .string: return .strings(try elements(count) { try $0.string() })
    case .float32, .float64:
      return .numbers(try elements(count) { Float(try $0.number(type)) })
    default: return .integers(try elements(count) { try $0.integer(type) })
    }
  }

  private mutating func elements<T>(
    _ count: Int, _ read: (inout GGUFCursor) throws -> T
  ) throws -> [T] {
    var result: [T] = []
    result.reserveCapacity(count)
    for _ in 0..<count { result.append(try read(&self)) }
    return result
  }

  private mutating func bool() throws -> Bool { try uint8() != 0 }

  /// An integer of any width; an unsigned 64-bit number beyond Int64's range becomes its largest.
  private mutating func integer(_ type: GGUFValueType) throws -> Int64 {
    switch type {
    case .uint8: Int64(try uint8())
    case .int8: Int64(Int8(bitPattern: try uint8()))
    case .uint16: Int64(try uint16())
    case .int16: Int64(Int16(bitPattern: try uint16()))
    case .uint32: Int64(try uint32())
    case .int32: Int64(Int32(bitPattern: try uint32()))
    case .uint64: Int64(clamping: try uint64())
    default: Int64(bitPattern: try uint64())
    }
  }

  private mutating func number(_ type: GGUFValueType) throws -> Double {
    type == .float32
      ? Double(Float(bitPattern: try uint32())) : Double(bitPattern: try uint64())
  }
}
