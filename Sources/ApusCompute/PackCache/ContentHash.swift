/// BLAKE2b with 32 bytes of digest (RFC 7693), and a tree of it for large files.
package enum ContentHash {
  /// The digest of all bytes in hexadecimal digits.
  package static func hexadecimal(_ bytes: [UInt8]) -> String {
    let words = bytes.withUnsafeBytes { digest($0) }
    return (0..<32).map { index in
      let byte = UInt8(truncatingIfNeeded: words[index / 8] >> UInt64(index % 8 * 8))
      return (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
  }

  package static func hexadecimal(_ text: String) -> String { hexadecimal(Array(text.utf8)) }

  /// The digest of the digests of all pieces of 1 MiB, which the threads share.
  package static func hexadecimal(_ file: MappedFile, pool: WorkerPool) -> String {
    let pieceByteCount = 1 << 20
    let count = (file.count + pieceByteCount - 1) / pieceByteCount
    var digests = [Digest](repeating: Digest(), count: count)
    digests.withUnsafeMutableBufferPointer { digests in
      // Every task writes a digest of its own, and `run` returns when all tasks are done: the buffer outlives them.
      nonisolated(unsafe) let output = digests
      pool.run(count) { piece in
        let start = piece * pieceByteCount
        let range = start..<min(start + pieceByteCount, file.count)
        output[piece] = digest(
          UnsafeRawBufferPointer(start: file.base + start, count: range.count))
        file.release(range)
      }
    }
    return hexadecimal(digests.withUnsafeBytes { Array($0) })
  }

  private typealias State = SIMD8<UInt64>
  private typealias Digest = SIMD4<UInt64>

  private static let blockByteCount = 128

  private static func digest(_ bytes: UnsafeRawBufferPointer) -> Digest {
    var state = State(
      initial[0], initial[1], initial[2], initial[3], initial[4], initial[5], initial[6], initial[7]
    )
    state[0] ^= 0x0101_0020
    // The last block is apart: it may be shorter, and empty input has one too.
    let others = max(0, bytes.count - 1) / blockByteCount
    for block in 0..<others {
      compress(
        &state, bytes.baseAddress! + block * blockByteCount, end: (block + 1) * blockByteCount,
        isLast: false)
    }
    withUnsafeTemporaryAllocation(byteCount: blockByteCount, alignment: 16) { padded in
      padded.initializeMemory(as: UInt8.self, repeating: 0)
      padded.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: bytes[(others * blockByteCount)...]))
      compress(&state, padded.baseAddress!, end: bytes.count, isLast: true)
    }
    return state.lowHalf
  }

  private static func compress(
    _ state: inout State, _ block: UnsafeRawPointer, end: Int, isLast: Bool
  ) {
    var (a0, a1, a2, a3) = (state[0], state[1], state[2], state[3])
    var (b0, b1, b2, b3) = (state[4], state[5], state[6], state[7])
    var (c0, c1, c2, c3) = (initial[0], initial[1], initial[2], initial[3])
    var (d0, d1, d2, d3) = (
      initial[4] ^ UInt64(end), initial[5], isLast ? ~initial[6] : initial[6], initial[7]
    )
    for round in 0..<12 {
      let order = round % 10 * 16
      func m(_ index: Int) -> UInt64 {
        UInt64(
          littleEndian: block.loadUnaligned(
            fromByteOffset: Int(schedule[unchecked: order + index]) * 8, as: UInt64.self))
      }
      mix(&a0, &b0, &c0, &d0, m(0), m(1))
      mix(&a1, &b1, &c1, &d1, m(2), m(3))
      mix(&a2, &b2, &c2, &d2, m(4), m(5))
      mix(&a3, &b3, &c3, &d3, m(6), m(7))
      mix(&a0, &b1, &c2, &d3, m(8), m(9))
      mix(&a1, &b2, &c3, &d0, m(10), m(11))
      mix(&a2, &b3, &c0, &d1, m(12), m(13))
      mix(&a3, &b0, &c1, &d2, m(14), m(15))
    }
    state ^= State(
      a0 ^ c0, a1 ^ c1, a2 ^ c2, a3 ^ c3, b0 ^ d0, b1 ^ d1, b2 ^ d2, b3 ^ d3)
  }

  @inline(__always)
  private static func mix(
    _ a: inout UInt64, _ b: inout UInt64, _ c: inout UInt64, _ d: inout UInt64, _ x: UInt64,
    _ y: UInt64
  ) {
    a = a &+ b &+ x
    d = rotate(d ^ a, 32)
    c = c &+ d
    b = rotate(b ^ c, 24)
    a = a &+ b &+ y
    d = rotate(d ^ a, 16)
    c = c &+ d
    b = rotate(b ^ c, 63)
  }

  @inline(__always)
  private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
    value &>> count | value &<< (64 - count)
  }

  private static let initial: InlineArray<8, UInt64> = [
    0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1, 0x9b05_688c_2b3e_6c1f, 0x1f83_d9ab_fb41_bd6b, 0x5be0_cd19_137e_2179,
  ]

  /// The order in which each of 10 rounds takes the block's words.
  private static let schedule: InlineArray<160, UInt8> = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
    14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3,
    11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4,
    7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8,
    9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13,
    2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9,
    12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11,
    13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10,
    6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5,
    10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0,
  ]
}
