import CApusKernels

/// One row in, one row out.
private typealias RowKernel = (
  _ table: UnsafePointer<apus_kernels>, _ row: UnsafeMutablePointer<Float>,
  _ output: UnsafeMutablePointer<Float>
) -> Void

extension KernelBenchmark {
  /// Kernels that pass over rows; what they write stays in the cache, but for RoPE, which works in place.
  var rows: [Case] {
    let n = sizes.rowLength
    return [
      rowCase("quantize_row", numbers: n, operations: 4) { table, row, output in
        output.withMemoryRebound(to: Int8.self, capacity: n) { q in
          UnsafeMutableRawPointer(output + n / 2).withMemoryRebound(
            to: Int32.self, capacity: n / 32
          ) {
            table.pointee.quantize_row(row, n, 128, 32, q, output + n / 4, $0, output + 3 * n / 4)
          }
        }
      },
      rowCase("rms_norm", numbers: n, operations: 4) { table, row, output in
        table.pointee.rms_norm(row, row, 1e-6, n, output)
      },
      // About 25 operations for each of n results of 2 n numbers.
      rowCase("swiglu", numbers: 2 * n, operations: 12.5) { table, row, output in
        table.pointee.swiglu(row, row + n, n, output)
      },
      rope,
    ]
  }

  /// Heads of 128 numbers.
  private var rope: Case {
    let half = 64
    let (cosines, sines) = ((0..<half).map { _ in Float(0.8) }, (0..<half).map { _ in Float(0.6) })
    let n = sizes.rowLength
    return rowCase("rope", numbers: n, operations: 3, writesInPlace: true) { table, row, _ in
      for start in stride(from: 0, to: n, by: 2 * half) {
        table.pointee.rope(row + start, half, cosines, sines, 0)
      }
    }
  }

  private func rowCase(
    _ name: String, numbers: Int, operations: Double, writesInPlace: Bool = false,
    _ kernel: @escaping RowKernel
  ) -> Case {
    Case(name: name) { [self] in
      let pool = compute.pool
      let outputs = Buffer<Float>(count: pool.pieceLimit * numbers)
      let count = memory.count / 4 / numbers
      let target = outputs.base
      let table = table
      defer { if writesInPlace { memory.fillWithHarmlessBytes() } }
      let base = UnsafeMutableRawPointer(memory.base).assumingMemoryBound(to: Float.self)
      let all = Double(count * numbers)
      return measure(
        name, work: Work(bytes: all * (writesInPlace ? 8 : 4), floats: all * operations)
      ) {
        pool.ranges(count, grain: 1) { piece, range in
          for row in range { kernel(table, base + row * numbers, target + piece * numbers) }
        }
      } small: {
        kernel($0, base, target)
      }
    }
  }
}
