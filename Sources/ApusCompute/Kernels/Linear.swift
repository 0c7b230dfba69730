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

/// What is done to a row of activations on its way into a product.
public enum RowTransform: Sendable {
  case none
  /// Divides by the root mean square and multiplies by `weight`.
  case rmsNorm(weight: [Float], epsilon: Float)
  /// The row holds gates and as many ups: silu(gate) * up.
  case swiglu
  /// x * Φ(x), by the error function (arXiv:1606.08415).
  case gelu
}

/// Room for the rows of one product: transformed, and rounded to 8 bits with one scale per 32 numbers.
public struct QuantizedRows: ~Copyable {
  var values: Buffer<Int8>
  var scales: Buffer<Float>
  /// Per 16 or 32 numbers, as the weights' format asks: what their offset and their minima are multiplied by.
  var offsets: Buffer<Int32>
  var minima: Buffer<Float>
  /// Transformed rows; where they are rounded at once, one for each piece of work.
  var floats: Buffer<Float>

  public init(rows: Int, columns: Int) {
    let blocks = (columns + 31) / 32
    values = Buffer(count: rows * blocks * 32)
    scales = Buffer(count: rows * blocks)
    offsets = Buffer(count: rows * blocks * 2)
    minima = Buffer(count: rows * blocks * 2)
    floats = Buffer(count: rows * columns)
  }
}

extension Compute {
  /// output[rows, column...] = transform(input[rows, ...]) · weightᵀ (+ bias) (+ output).
  ///
  /// The weight.rows results of a row go to columns from `column` on; `scratch` holds what the input becomes on the
  /// way.
  public func multiply(
    _ input: borrowing Matrix, transform: RowTransform = .none, rows: Int,
    by weight: PackedMatrix, bias: [Float]? = nil, accumulate: Bool = false,
    scratch: inout QuantizedRows, into output: inout Matrix, column: Int = 0
  ) {
    precondition(rows <= input.rows && rows <= output.rows, "\(rows) rows do not fit")
    precondition(
      transform.inputWidth(weight.columns) <= input.columns
        && column + weight.rows <= output.columns)
    precondition(bias.map { $0.count == weight.rows } ?? true)
    guard rows > 0 else { return }
    var gemm = apus_gemm()
    gemm.w = weight.base
    gemm.panel_bytes = weight.panelByteCount
    gemm.rows = rows
    gemm.k = weight.columns
    gemm.columns = weight.rows
    gemm.y = output.base + column
    gemm.y_stride = output.columns
    gemm.accumulate = accumulate ? 1 : 0
    if case .int8(let format) = weight.layout {
      quantize(input, transform, format: format, scratch: &scratch, gemm: &gemm)
    } else {
      transformRows(input, transform, scratch: &scratch, gemm: &gemm)
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

  private func transformRows(
    _ input: borrowing Matrix, _ transform: RowTransform, scratch: inout QuantizedRows,
    gemm: inout apus_gemm
  ) {
    let (source, stride) = (UnsafePointer(input.base), input.columns)
    gemm.x = source
    gemm.x_stride = stride
    if case .none = transform { return }
    let (k, rows) = (gemm.k, gemm.rows)
    precondition(rows * k <= scratch.floats.count, "no room for \(rows) rows of \(k)")
    let target = scratch.floats.base
    pool.rows(
      rows, of: k,
      TransformTask(
        table: kernels.table, transform: transform, source: source, stride: stride, k: k,
        target: target))
    gemm.x = UnsafePointer(target)
    gemm.x_stride = k
  }

  private func quantize(
    _ input: borrowing Matrix, _ transform: RowTransform, format: Int32,
    scratch: inout QuantizedRows, gemm: inout apus_gemm
  ) {
    let (k, rows) = (gemm.k, gemm.rows)
    let blocks = k / 32
    let (zero, sub) = (apus_int8_zero(format), apus_int8_sub(format))
    precondition(
      rows * k <= scratch.values.count && rows * blocks <= scratch.scales.count,
      "no room for \(rows) rounded rows of \(k)")
    let (values, scales) = (scratch.values.base, scratch.scales.base)
    let (offsets, minima) = (scratch.offsets.base, scratch.minima.base)
    pool.rows(
      rows, of: k,
      QuantizeTask(
        transform: TransformTask(
          table: kernels.table, transform: transform, source: UnsafePointer(input.base),
          stride: input.columns, k: k, target: scratch.floats.base),
        zero: zero, sub: sub, values: values, scales: scales, offsets: offsets, minima: minima))
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
    // With many rows pieces are whole register tiles; with a few, panels.
    let group = gemm.rows >= Int(APUS_MANY_ROWS) ? table.pointee.panels : 1
    pool.ranges(
      (weight.panelCount + group - 1) / group, grain: 1,
      ProductTask(function: function, gemm: gemm, group: group, panelCount: weight.panelCount))
  }

  /// Decodes one panel at a time, 256 numbers of each row, and multiplies with floats.
  private func multiplyBlocks(_ gemm: apus_gemm, _ weight: PackedMatrix) {
    let table = kernels.table
    let chunk = 256
    let width = Int(APUS_PANEL)
    pool.ranges(weight.panelCount, grain: 1) { _, range in
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

/// A product over a range of groups of panels.
private struct ProductTask: RangeTask {
  let function: GemmFunction
  let gemm: apus_gemm
  let group: Int
  let panelCount: Int

  func run(_ piece: Int, _ range: Range<Int>) {
    withUnsafePointer(to: gemm) {
      function($0, range.lowerBound * group, min(range.upperBound * group, panelCount))
    }
  }
}

/// Rows transformed to rows of `target`.
private struct TransformTask: RangeTask {
  let table: UnsafePointer<apus_kernels>
  let transform: RowTransform
  let source: UnsafePointer<Float>
  let stride: Int
  let k: Int
  let target: UnsafeMutablePointer<Float>

  func run(_ piece: Int, _ range: Range<Int>) {
    for row in range {
      transform.apply(table, source + row * stride, count: k, into: target + row * k)
    }
  }
}

/// Rows transformed, one row of room for each piece, and rounded.
private struct QuantizeTask: RangeTask {
  let transform: TransformTask
  let zero: Int32
  let sub: Int32
  let values: UnsafeMutablePointer<Int8>
  let scales: UnsafeMutablePointer<Float>
  let offsets: UnsafeMutablePointer<Int32>
  let minima: UnsafeMutablePointer<Float>

  func run(_ piece: Int, _ range: Range<Int>) {
    let (k, groups) = (transform.k, transform.k / Int(sub))
    for row in range {
      let x = transform.transform.apply(
        transform.table, transform.source + row * transform.stride, count: k,
        into: transform.target + piece * k)
      transform.table.pointee.quantize_row(
        x, k, zero, sub, values + row * k, scales + row * (k / 32), offsets + row * groups,
        minima + row * groups)
    }
  }
}

extension RowTransform {
  /// Numbers of an input row that become `count`.
  fileprivate func inputWidth(_ count: Int) -> Int {
    if case .swiglu = self { 2 * count } else { count }
  }

  /// The transformed row: `target`, or the input itself where nothing is done to it.
  @discardableResult
  func apply(
    _ table: UnsafePointer<apus_kernels>, _ row: UnsafePointer<Float>, count: Int,
    into target: UnsafeMutablePointer<Float>
  ) -> UnsafePointer<Float> {
    switch self {
    case .none: return row
    case .rmsNorm(let weight, let epsilon):
      table.pointee.rms_norm(row, weight, epsilon, count, target)
    case .swiglu: table.pointee.swiglu(row, row + count, count, target)
    case .gelu: Gelu.apply(row, count: count, into: target)
    }
    return UnsafePointer(target)
  }
}
