import Dispatch

/// Encodes rows of numbers in `type`; throws nothing and never traps on data (see `BlockEncoder`).
/// - Parameter numbers: a whole number of blocks.
/// - Returns: the bytes, without padding.
package func quantize(_ type: TensorType, _ numbers: [Float]) -> [UInt8] {
  guard let byteCount = type.byteCount(of: numbers.count), type.hasEncoder else {
    preconditionFailure("\(numbers.count) numbers cannot be written as \(type.name)")
  }
  return [UInt8](unsafeUninitializedCapacity: byteCount) { bytes, initialized in
    numbers.withUnsafeBufferPointer { source in
      guard let from = source.baseAddress, let to = bytes.baseAddress else { return }
      let encoder = BlockEncoder()
      encoder.encode(type, from, into: to, count: numbers.count)
    }
    initialized = byteCount
  }
}
