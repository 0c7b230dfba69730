import ApusCore
import CApusKernels

/// A table of kernels as a test argument.
///
/// Unchecked: it points to a C constant.
struct KernelTable: @unchecked Sendable, CustomStringConvertible {
  let functions: UnsafePointer<apus_kernels>
  var description: String { String(cString: functions.pointee.name) }

  static let scalar = KernelTable(functions: apus_kernels_for("scalar"))
  /// The vector tables this machine has.
  static let vector: [KernelTable] = ["avx2", "avx512", "avx512_bf16", "avx512_fp16", "neon"]
    .compactMap {
      (name: String) in
      apus_kernels_for(name).map { KernelTable(functions: $0) }
    }
  static let all = [scalar] + vector
}

/// Memory that a kernel may write, with a margin on either side that must stay as it was.
final class GuardedFloats {
  private static let margin = 32
  private static let mark: Float = -12345.5
  private let memory: UnsafeMutablePointer<Float>
  let count: Int
  var base: UnsafeMutablePointer<Float> { memory + Self.margin }

  init(_ values: [Float]) {
    count = values.count
    memory = .allocate(capacity: count + 2 * Self.margin)
    memory.initialize(repeating: Self.mark, count: count + 2 * Self.margin)
    for (index, value) in values.enumerated() { base[index] = value }
  }

  deinit { memory.deallocate() }

  var values: [Float] { (0..<count).map { base[$0] } }

  var marginsAreIntact: Bool {
    (0..<Self.margin).allSatisfy {
      memory[$0] == Self.mark && memory[Self.margin + count + $0] == Self.mark
    }
  }
}

/// Equal bits; any NaN equals any NaN.
func sameBits(_ a: [Float], _ b: [Float]) -> Bool {
  a.count == b.count
    && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
}

extension RandomSource {
  mutating func below(_ count: Int) -> Int { Int(next() % UInt64(count)) }

  /// Numbers of about unit size; with `wild`, some huge, tiny, infinite or NaN.
  mutating func floats(_ count: Int, wild: Bool = false) -> [Float] {
    let strange: [Float] = [
      .nan, .infinity, -.infinity, 0, -0.0, 3e38, -3e38, 1e-37 * 1e-3, -1e-37 * 1e-3, 1e20, -1e20,
      65504, 1e-30,
    ]
    return (0..<count).map { _ in
      let value = Float((nextUnit() + nextUnit() + nextUnit() - 1.5) * 2)
      return wild && below(12) == 0 ? strange[below(strange.count)] : value
    }
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 24) }
  }
}
