import CApusKernels

/// Decodes the numbers of a tensor, or of any whole number of its blocks.
///
/// Blocks that hold NaN or infinity as scale decode to what IEEE arithmetic gives; nothing traps on data.
/// - Parameters:
///   - bytes: exactly the bytes of `destination.count` numbers of `type`, aligned or not.
package func dequantize(
  _ type: TensorType, _ bytes: RawSpan, into destination: inout MutableSpan<Float>
) {
  precondition(
    type.byteCount(of: destination.count) == bytes.byteCount,
    "\(bytes.byteCount) bytes are not \(destination.count) numbers of \(type.name)")
  bytes.withUnsafeBytes { source in
    destination.withUnsafeMutableBufferPointer { numbers in
      guard let source = source.baseAddress, let start = numbers.baseAddress else { return }
      let status = apus_dequantize(type.rawValue, source, start, numbers.count)
      precondition(status == 0, "\(type.name) cannot be decoded")
    }
  }
}
