import ApusCore
import CApusKernels

/// Times the kernels of a table: against the scalar ones, and against the roofline.
///
/// All data are made of bytes that are harmless numbers in every format, so that nothing has to be packed. Kernels
/// that meet numbers once (products of few rows, norms, decoding) find them in memory, not in the caches.
package final class KernelBenchmark {
  package struct Sizes: Sendable {
    /// Memory to stream through.
    package var byteCount: Int
    /// Weights of a product: [columns, k].
    package var columns = 2048
    package var k = 2048
    package var rows = [1, 8, 512]
    /// Numbers of a row that is normed or quantised.
    package var rowLength = 4096

    package init(byteCount: Int? = nil) { self.byteCount = byteCount ?? Roofline.memoryByteCount }
  }

  /// A kernel with a shape; `measure` times it.
  package struct Case {
    package let name: String
    package let measure: () -> KernelMeasurement
  }

  package let roofline: Roofline
  let compute: Compute
  let sizes: Sizes
  var memory: Buffer<UInt8>
  var table: UnsafePointer<apus_kernels> { compute.kernels.table }
  let scalar = apus_kernels_for("scalar")!

  /// Measures the roofline.
  package init(_ compute: Compute, sizes: Sizes = Sizes()) {
    self.compute = compute
    self.sizes = sizes
    // At least the weights of one product and the pages of one split.
    memory = Buffer(count: max(sizes.byteCount, sizes.columns * sizes.k * 4, 1 << 20))
    memory.fillWithHarmlessBytes()
    roofline = Roofline(compute, memory: memory)
  }

  package var cases: [Case] { products + rows + attention }

  /// What a kernel does that is timed in two ways.
  package struct Work {
    /// Bytes that have to be read from memory, or written to it.
    var bytes: Double
    /// Operations, two a multiplication and addition.
    var floats: Double
    /// On numbers of 16 bits, where those are not multiplied as floats.
    var halves: Double
    var int8: Double

    package init(bytes: Double, floats: Double = 0, halves: Double = 0, int8: Double = 0) {
      self.bytes = bytes
      self.floats = floats
      self.halves = halves
      self.int8 = int8
    }
  }

  /// Puts figures together: `large` is the work on all threads, `small` the same kernel on one thread and little data.
  func measure(
    _ name: String, work: Work, large: () -> Void, small: (UnsafePointer<apus_kernels>) -> Void
  ) -> KernelMeasurement {
    let seconds = medianSeconds(large)
    let own = medianSecondsOfCall { small(table) }
    let reference = medianSecondsOfCall { small(scalar) }
    return KernelMeasurement(
      name: name, work: work, seconds: seconds, speedup: reference / own, roofline: roofline)
  }
}

/// A kernel's speed.
package struct KernelMeasurement: Sendable {
  /// The roof that a kernel would meet first.
  package enum Bound: String, Sendable {
    case read = "roof_read"
    case multiplyAdd = "roof_fma"
    case halves = "roof_16bit"
    case int8 = "roof_int8"
  }

  package let name: String
  package let bound: Bound
  /// What the bounding roof counts, a second, in units of 10⁹.
  package let value: Double
  /// The shortest time that the roofline allows, divided by the time taken.
  package let share: Double
  /// The scalar kernel's time divided by this one's, on one thread with data in the cache.
  package let speedup: Double

  package var unit: String { bound.unit }

  package init(
    name: String, work: KernelBenchmark.Work, seconds: Double, speedup: Double, roofline: Roofline
  ) {
    self.name = name
    self.speedup = speedup
    let parts: [(Bound, work: Double, roof: Roofline.Roof)] = [
      (.multiplyAdd, work.floats, roofline.multiplyAdd),
      (.halves, work.halves, roofline.ofHalves),
      (.int8, work.int8, roofline.int8),
    ]
    // All kinds of arithmetic share the same ports; reading goes on beside them.
    let reading = work.bytes / roofline.read.allThreads
    let computing = parts.reduce(0) { $0 + $1.work / $1.roof.allThreads }
    let longest = parts.max { $0.work / $0.roof.allThreads < $1.work / $1.roof.allThreads }!
    let count: Double
    (bound, count) =
      reading >= computing ? (.read, work.bytes) : (longest.0, longest.work)
    value = count / seconds / 1e9
    share = max(reading, computing) / seconds
  }
}

extension KernelMeasurement.Bound {
  package var unit: String {
    switch self {
    case .read: "GB/s"
    case .multiplyAdd, .halves: "GFLOPS"
    case .int8: "GOPS"
    }
  }
}

extension Buffer where Element == UInt8 {
  /// Random bytes of 0x28 to 0x3B: any two or four of them are a small normal half, bfloat16 or float.
  mutating func fillWithHarmlessBytes() {
    var random = RandomSource(seed: 1)
    let block = (0..<65_521).map { _ in UInt8(0x28 + random.next() % 20) }
    for start in stride(from: 0, to: count, by: block.count) {
      store(count - start < block.count ? Array(block.prefix(count - start)) : block, at: start)
    }
  }
}
