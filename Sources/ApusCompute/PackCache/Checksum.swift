/// A fast sum of bytes, as fast as memory is: it finds damage, not forgery.
///
/// Four lanes take a word each in turn. Every step is one-to-one, so that a change within one word always changes the
/// sum; other changes do but for one in 2^64.
enum Checksum {
  /// Tasks of a sum that several threads share.
  static let pieceByteCount = 1 << 20

  static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var (a, b, c, d) = (multiplier, ~multiplier, multiplier >> 1, ~multiplier >> 1)
    let whole = bytes.count / 32
    if let base = bytes.baseAddress {
      for block in 0..<whole {
        let start = base + block * 32
        a = step(a, start.word(0))
        b = step(b, start.word(1))
        c = step(c, start.word(2))
        d = step(d, start.word(3))
      }
    }
    var sum = step(step(step(step(UInt64(bytes.count), a), b), c), d)
    for byte in bytes[(whole * 32)...] { sum = step(sum, UInt64(byte)) }
    return sum
  }

  /// The sum of the sums of all pieces.
  static func of(_ bytes: UnsafeRawBufferPointer, pool: WorkerPool) -> UInt64 {
    let count = (bytes.count + pieceByteCount - 1) / pieceByteCount
    var sums = [UInt64](repeating: 0, count: count)
    sums.withUnsafeMutableBufferPointer { sums in
      // The bytes are only read, every task writes a sum of its own, and `run` returns when all tasks are done: both
      // buffers outlive them.
      nonisolated(unsafe) let (input, output) = (bytes, sums)
      pool.run(count) { piece in
        let start = piece * pieceByteCount
        output[piece] = of(
          UnsafeRawBufferPointer(
            rebasing: input[start..<min(start + pieceByteCount, input.count)]))
      }
    }
    return sums.withUnsafeBytes { of($0) }
  }

  @inline(__always)
  private static func step(_ sum: UInt64, _ word: UInt64) -> UInt64 {
    let mixed = (sum ^ word) &* multiplier
    return mixed &>> 29 | mixed &<< 35
  }

  /// Odd, so that the product is one-to-one; from the golden ratio.
  private static let multiplier: UInt64 = 0x9e37_79b9_7f4a_7c15
}

extension UnsafeRawPointer {
  @inline(__always)
  fileprivate func word(_ index: Int) -> UInt64 {
    UInt64(littleEndian: loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
  }
}
