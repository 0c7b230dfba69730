import ApusCompute
import ApusCore

/// A value of a GGUF file to be written, with its exact type.
package enum GGUFValue: Sendable, Equatable {
  case uint32(UInt32)
  case int32(Int32)
  case uint64(UInt64)
  case float32(Float)
  case bool(Bool)
  case string(String)
  case bools([Bool])
  case int32s([Int32])
  case float32s([Float])
  case strings([String])
  /// The bytes of a value as another file has them.
  case raw(GGUFValueType, [UInt8])

  package var type: GGUFValueType {
    switch self {
    case .uint32: .uint32
    case .int32: .int32
    case .uint64: .uint64
    case .float32: .float32
    case .bool: .bool
    case .string: .string
    case .bools, .int32s, .float32s, .strings: .array
    case .raw(let type, _): type
    }
  }

  package func append(to bytes: inout [UInt8]) {
    switch self {
    case .uint32(let value): bytes.append(littleEndian: value)
    case .int32(let value): bytes.append(littleEndian: value)
    case .uint64(let value): bytes.append(littleEndian: value)
    case .float32(let value): bytes.append(littleEndian: value.bitPattern)
    case .bool(let value): bytes.append(value ? 1 : 0)
    case .string(let value): bytes.append(gguf: value)
    case .bools(let values):
      bytes.append(arrayOf: .bool, count: values.count)
      for value in values { bytes.append(value ? 1 : 0) }
    case .int32s(let values):
      bytes.append(arrayOf: .int32, count: values.count)
      for value in values { bytes.append(littleEndian: value) }
    case .float32s(let values):
      bytes.append(arrayOf: .float32, count: values.count)
      for value in values { bytes.append(littleEndian: value.bitPattern) }
    case .strings(let values):
      bytes.append(arrayOf: .string, count: values.count)
      for value in values { bytes.append(gguf: value) }
    case .raw(_, let value): bytes += value
    }
  }
}

extension [UInt8] {
  package mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
    for shift in stride(from: 0, to: T.bitWidth, by: 8) {
      append(UInt8(truncatingIfNeeded: value >> T(shift)))
    }
  }

  /// A string with a 64-bit length, as GGUF has them.
  package mutating func append(gguf string: String) {
    append(littleEndian: UInt64(string.utf8.count))
    append(contentsOf: string.utf8)
  }

  fileprivate mutating func append(arrayOf type: GGUFValueType, count: Int) {
    append(littleEndian: type.rawValue)
    append(littleEndian: UInt64(count))
  }
}
