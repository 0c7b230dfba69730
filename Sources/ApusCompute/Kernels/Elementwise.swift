import CApusKernels

extension Compute {
  /// output[row] = input[row] / rms(input[row]) * weight, for whole rows (RMSNorm, arXiv:1910.07467).
  public func rmsNorm(
    _ input: borrowing Matrix, rows: Int, weight: [Float], epsilon: Float,
    into output: inout Matrix
  ) {
    let n = weight.count
    precondition(rows <= input.rows && rows <= output.rows && n <= input.columns)
    precondition(n <= output.columns)
    let table = kernels.table
    let (source, target) = (input.base, output.base)
    let (sourceStride, targetStride) = (input.columns, output.columns)
    weight.withUnsafeBufferPointer { weight in
      let weight = UncheckedPointer(weight.baseAddress!)
      pool.ranges(rows, grain: 16) { range in
        for row in range {
          table.pointee.rms_norm(
            source + row * sourceStride, weight.pointer, epsilon, n, target + row * targetStride)
        }
      }
    }
  }

  /// Normalises each head of each row in place; `weight` has one number a component (QK norm of Qwen3).
  public func rmsNormHeads(
    _ matrix: inout Matrix, rows: Int, heads: Range<Int>, weight: [Float], epsilon: Float
  ) {
    let n = weight.count
    precondition(rows <= matrix.rows && heads.upperBound * n <= matrix.columns)
    let table = kernels.table
    let base = matrix.base
    let stride = matrix.columns
    weight.withUnsafeBufferPointer { weight in
      let weight = UncheckedPointer(weight.baseAddress!)
      pool.ranges(rows, grain: 8) { range in
        for row in range {
          for head in heads {
            let start = base + row * stride + head * n
            table.pointee.rms_norm(start, weight.pointer, epsilon, n, start)
          }
        }
      }
    }
  }

  /// output = silu(gate) * up, where a row of `input` holds `width` gates and then `width` ups (SwiGLU, arXiv:2002.05202).
  public func swiglu(_ input: borrowing Matrix, rows: Int, width: Int, into output: inout Matrix) {
    precondition(rows <= input.rows && rows <= output.rows)
    precondition(2 * width <= input.columns && width <= output.columns)
    let table = kernels.table
    let (source, target) = (input.base, output.base)
    let (sourceStride, targetStride) = (input.columns, output.columns)
    pool.ranges(rows, grain: 8) { range in
      for row in range {
        let gate = source + row * sourceStride
        table.pointee.swiglu(gate, gate + width, width, target + row * targetStride)
      }
    }
  }

  /// Turns the pairs of heads `heads` of every row by the angles of `table`'s row.
  public func rotate(
    _ matrix: inout Matrix, rows: Int, heads: Range<Int>, headDimension: Int,
    angles: borrowing RotationTable
  ) {
    precondition(rows <= matrix.rows && rows <= angles.rows)
    precondition(heads.upperBound * headDimension <= matrix.columns)
    precondition(2 * angles.half <= headDimension)
    let table = kernels.table
    let base = matrix.base
    let stride = matrix.columns
    let half = angles.half
    let (cosines, sines) = (angles.cosines.base, angles.sines.base)
    let interleaved: Int32 = angles.interleaved ? 1 : 0
    pool.ranges(rows, grain: 8) { range in
      for row in range {
        for head in heads {
          table.pointee.rope(
            base + row * stride + head * headDimension, half, cosines + row * half,
            sines + row * half, interleaved)
        }
      }
    }
  }

  /// Copies rows of `input` to the first rows of `output`.
  public func gather(_ rows: [Int], of input: borrowing Matrix, into output: inout Matrix) {
    precondition(input.columns == output.columns && rows.count <= output.rows)
    for (index, row) in rows.enumerated() {
      precondition(row >= 0 && row < input.rows, "row outside of the matrix")
      (output.base + index * output.columns).update(
        from: input.base + row * input.columns, count: input.columns)
    }
  }

  /// Decodes rows of a stored matrix (token embeddings) to the rows of `output`.
  public func lookUp(_ ids: [Int32], in table: StoredMatrix, into output: inout Matrix) {
    precondition(ids.count <= output.rows && table.columns == output.columns)
    for (index, id) in ids.enumerated() {
      precondition(id >= 0 && Int(id) < table.rows, "token outside of the vocabulary")
      apus_dequantize(
        table.type.rawValue, table.row(Int(id)), output.base + index * output.columns,
        table.columns)
    }
  }
}

/// A pointer that tasks of one operation read while the caller keeps its memory alive.
///
/// Unchecked: the memory is constant during the operation.
struct UncheckedPointer<Element>: @unchecked Sendable {
  let pointer: UnsafePointer<Element>
  init(_ pointer: UnsafePointer<Element>) { self.pointer = pointer }
}

/// Cosines and sines of the angles of some positions: [rows, half] each.
public struct RotationTable: ~Copyable {
  public let rows: Int
  public let half: Int
  public let interleaved: Bool
  var cosines: Buffer<Float>
  var sines: Buffer<Float>

  public init(rows: Int, half: Int, interleaved: Bool) {
    self.rows = rows
    self.half = half
    self.interleaved = interleaved
    cosines = Buffer(count: rows * half)
    sines = Buffer(count: rows * half)
  }

  /// Sets one row's numbers.
  public mutating func set(row: Int, index: Int, cosine: Float, sine: Float) {
    cosines[row * half + index] = cosine
    sines[row * half + index] = sine
  }
}
