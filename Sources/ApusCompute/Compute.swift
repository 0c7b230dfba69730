import CApusKernels

/// The operations of a forward pass: a table of kernels and the threads that run them.
public final class Compute: Sendable {
  public let pool: WorkerPool
  let kernels: UnsafeKernels
  /// How attention multiplies keys and values of 16 bits.
  package let halves: HalfArithmetic

  /// Uses the best instruction set of this machine, or the one named ("scalar", "avx2", "avx512", "avx512_bf16",
  /// "avx512_fp16", "neon").
  ///
  /// With full precision, attention over keys and values of 16 bits is computed in floats, else as the instruction set
  /// does it quickest.
  public init(
    pool: WorkerPool, instructionSet: String? = nil, precision: Precision = .quantized
  ) throws {
    self.pool = pool
    if let instructionSet {
      guard let table = apus_kernels_for(instructionSet) else {
        throw ComputeError.unsupportedInstructionSet(instructionSet)
      }
      kernels = UnsafeKernels(table: table)
    } else {
      kernels = UnsafeKernels(table: apus_kernels_best())
    }
    halves = precision == .full ? .floats : HalfArithmetic(rawValue: kernels.table.pointee.halves)!
  }

  public var instructionSet: String { String(cString: kernels.table.pointee.name) }
}

/// How attention multiplies keys and values of 16 bits with queries and weights.
package enum HalfArithmetic: Int32, Sendable {
  case floats = 0
  /// All are rounded to bf16 numbers; products are summed up as floats.
  case bf16 = 1
  /// Those in f16 are multiplied as such, queries and weights rounded to f16, and up to 32 products are summed up in f16,
  /// the sums as floats; those in bf16 as floats.
  case f16 = 2

  /// Whether numbers of a format are multiplied in another way than as floats.
  package func rounds(_ element: KVElement) -> Bool {
    switch self {
    case .floats: false
    case .bf16: element == .f16 || element == .bf16
    case .f16: element == .f16
    }
  }
}

/// A pointer to a constant table of function pointers.
///
/// Unchecked: the pointer never changes, and what it points to is a C constant, which nobody writes and which lives as
/// long as the process.
struct UnsafeKernels: @unchecked Sendable {
  let table: UnsafePointer<apus_kernels>
}

public enum ComputeError: Error, Equatable, CustomStringConvertible {
  case unsupportedInstructionSet(String)

  public var description: String {
    switch self {
    case .unsupportedInstructionSet(let name): "this machine has no \(name) kernels"
    }
  }
}
