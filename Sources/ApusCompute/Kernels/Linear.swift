import CApusKernels

typealias GemmFunction = @convention(c) (UnsafePointer<apus_gemm>?, Int, Int) -> Void

extension UnsafePointer<apus_kernels> {
  /// The product with weights of one row of int8_formats.h.
  func int8Product(_ format: Int32) -> GemmFunction? {
    withUnsafePointer(to: pointee.gemm_int8) {
      UnsafeRawPointer($0).assumingMemoryBound(to: GemmFunction?.self)[Int(format)]
    }
  }
}

/// Rows of activations rounded to 8 bits with one scale per 32 numbers.
public struct QuantizedRows: ~Copyable {
  var values: Buffer<Int8>
  var scales: Buffer<Float>
  /// Per 16 or 32 numbers, as the weights' format asks: what their offset and their minima are multiplied by.
  var offsets: Buffer<Int32>
  var minima: Buffer<Float>

  public init(rows: Int, columns: Int) {
    let blocks = (columns + 31) / 32
    values = Buffer(count: rows * blocks * 32)
    scales = Buffer(count: rows * blocks)
    offsets = Buffer(count: rows * blocks * 2)
    minima = Buffer(count: rows * blocks * 2)
  }
}

extension Compute {
  /// output[rows, column...] = input[rows, weight.columns] · weightᵀ (+ bias) (+ output).
  ///
  /// The weight.rows results of a row go to columns from `column` on; `scratch` holds the rounded input where the
  /// weights are 8-bit.
  public func multiply(
    _ input: borrowing Matrix, rows: Int, by weight: PackedMatrix, bias: [Float]? = nil,
    accumulate: Bool = false, scratch: inout QuantizedRows, into output: inout Matrix,
    column: Int = 0
  ) {
    precondition(rows <= input.rows && rows <= output.rows, "\(rows) rows do not fit")
    precondition(weight.columns <= input.columns && column + weight.rows <= output.columns)
    precondition(bias.map { $0.count == weight.rows } ?? true)
    guard rows > 0 else { return }
    var gemm = apus_gemm()
    gemm.x = UnsafePointer(input.base)
    gemm.x_stride = input.columns
    gemm.w = weight.base
    gemm.panel_bytes = weight.panelByteCount
    gemm.rows = rows
    gemm.k = weight.columns
    gemm.columns = weight.rows
    gemm.y = output.base + column
    gemm.y_stride = output.columns
    gemm.accumulate = accumulate ? 1 : 0
    if case .int8(let format) = weight.layout {
      quantize(input, rows: rows, format: format, into: &scratch, gemm: &gemm)
    }
    if let bias {
      bias.withUnsafeBufferPointer {
        gemm.bias = $0.baseAddress
        dispatch(gemm, weight)
      }
    } else {
      dispatch(gemm, weight)
    }
  }

  private func quantize(
    _ input: borrowing Matrix, rows: Int, format: Int32, into scratch: inout QuantizedRows,
    gemm: inout apus_gemm
  ) {
    let k = gemm.k
    let blocks = k / 32
    let (zero, sub) = (apus_int8_zero(format), apus_int8_sub(format))
    let groups = k / Int(sub)
    precondition(
      rows * k <= scratch.values.count && rows * blocks <= scratch.scales.count,
      "no room for \(rows) rounded rows of \(k)")
    let table = kernels.table
    let source = input.base
    let stride = input.columns
    let (values, scales) = (scratch.values.base, scratch.scales.base)
    let (offsets, minima) = (scratch.offsets.base, scratch.minima.base)
    pool.ranges(rows, grain: 8) { range in
      for row in range {
        table.pointee.quantize_row(
          source + row * stride, k, zero, sub, values + row * k, scales + row * blocks,
          offsets + row * groups, minima + row * groups)
      }
    }
    gemm.xq = UnsafePointer(values)
    gemm.xscale = UnsafePointer(scales)
    gemm.xoffset = UnsafePointer(offsets)
    gemm.xmin = UnsafePointer(minima)
    gemm.x_stride = k
  }

  private func dispatch(_ gemm: apus_gemm, _ weight: PackedMatrix) {
    let table = kernels.table
    let function =
      switch weight.layout {
      case .f32: table.pointee.gemm_f32
      case .f16: table.pointee.gemm_f16
      case .bf16: table.pointee.gemm_bf16
      case .int8(let format): table.int8Product(format)
      case .blocks: Optional<GemmFunction>.none
      }
    guard let function else { return multiplyBlocks(gemm, weight) }
    // Pieces are whole groups of panels, so that each thread keeps its register tiles full.
    let group = 6
    let groups = (weight.panelCount + group - 1) / group
    pool.ranges(groups, grain: 1) { range in
      withUnsafePointer(to: gemm) {
        function(
          $0, range.lowerBound * group, min(range.upperBound * group, weight.panelCount))
      }
    }
  }

  /// Decodes one panel at a time, 256 numbers of each row, and multiplies with floats.
  private func multiplyBlocks(_ gemm: apus_gemm, _ weight: PackedMatrix) {
    let table = kernels.table
    let chunk = 256
    let width = Int(APUS_PANEL)
    pool.ranges(weight.panelCount, grain: 1) { range in
      let floats = 2 * chunk * width + gemm.rows * width
      withUnsafeTemporaryAllocation(byteCount: floats * 4 + 64, alignment: 64) { memory in
        let scratch = memory.baseAddress!.bindMemory(to: Float.self, capacity: floats)
        let panel = scratch + chunk * width
        let partial = panel + chunk * width
        for index in range {
          for start in stride(from: 0, to: gemm.k, by: chunk) {
            let count = min(chunk, gemm.k - start)
            weight.decode(panel: index, start..<start + count, scratch: scratch, into: panel)
            var piece = gemm
            piece.x = gemm.x + start
            piece.w = UnsafeRawPointer(panel).assumingMemoryBound(to: UInt8.self)
            piece.k = count
            piece.partial = partial
            piece.first = start == 0 ? 1 : 0
            table.pointee.gemm_f32(&piece, 0, 1)
          }
          finish(gemm, panel: index, partial: partial)
        }
      }
    }
  }

  private func finish(_ gemm: apus_gemm, panel: Int, partial: UnsafePointer<Float>) {
    let width = Int(APUS_PANEL)
    let first = panel * width
    for row in 0..<gemm.rows {
      let target = gemm.y + row * gemm.y_stride
      for column in first..<min(first + width, gemm.columns) {
        var value = partial[row * width + column - first]
        if let bias = gemm.bias { value += bias[column] }
        target[column] = gemm.accumulate != 0 ? target[column] + value : value
      }
    }
  }
}
