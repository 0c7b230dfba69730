import CApusKernels

/// The operations of a forward pass: a table of kernels and the threads that run them.
public final class Compute: Sendable {
  public let pool: WorkerPool
  let kernels: UnsafeKernels
  /// Whether attention multiplies keys and values of 16 bits as bf16 numbers.
  package let multipliesPairs: Bool

  /// Uses the best instruction set of this machine, or the one named ("scalar", "avx2", "avx512", "avx512_bf16",
  /// "neon").
  ///
  /// With full precision, attention over keys and values of 16 bits is computed in floats; else, where the instruction
  /// set multiplies bf16 numbers, queries, weights, keys and values are rounded to them.
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
    multipliesPairs = precision == .quantized && kernels.table.pointee.pairs != 0
  }

  public var instructionSet: String { String(cString: kernels.table.pointee.name) }
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
