import CApusKernels

extension Compute {
  /// Attention without an order: each row of a text reads all rows of that text, and none of another.
  ///
  /// - Parameters:
  ///   - projections: [rows, queries | keys | values], the heads side by side in each part.
  ///   - texts: the rows of each text.
  ///   - output: [rows, headCount * headDimension]
  public func attend(
    within texts: [Range<Int>], projections: borrowing Matrix, headCount: Int, headDimension: Int,
    into output: inout Matrix
  ) {
    let width = headCount * headDimension
    precondition(3 * width <= projections.columns && width <= output.columns)
    let rows = 0...min(projections.rows, output.rows)
    precondition(texts.allSatisfy { rows.contains($0.lowerBound) && rows.contains($0.upperBound) })
    pool.run(
      texts.count * headCount,
      FullAttentionTask(
        table: kernels.table, texts: texts, headCount: headCount, dimension: headDimension,
        source: UnsafePointer(projections.base), stride: projections.columns,
        target: output.base, targetStride: output.columns))
  }
}

/// One head of one text: two products with a softmax between them.
private struct FullAttentionTask: WorkerTask {
  let table: UnsafePointer<apus_kernels>
  let texts: [Range<Int>]
  let headCount: Int
  let dimension: Int
  let source: UnsafePointer<Float>
  let stride: Int
  let target: UnsafeMutablePointer<Float>
  let targetStride: Int

  /// Queries whose scores are held at a time.
  private static let blockRows = 64
  private static let width = Int(APUS_PANEL)

  func run(_ index: Int) {
    let rows = texts[index / headCount]
    guard !rows.isEmpty else { return }
    let head = index % headCount * dimension
    let first = source + rows.lowerBound * stride + head
    let (keySize, valueSize) = (
      Self.panelCount(rows.count) * Self.width * dimension,
      Self.panelCount(dimension) * Self.width * rows.count
    )
    let size = keySize + valueSize + min(Self.blockRows, rows.count) * rows.count
    withUnsafeTemporaryAllocation(byteCount: size * 4, alignment: 64) { memory in
      let keys = memory.baseAddress!.bindMemory(to: Float.self, capacity: size)
      let values = keys + keySize
      packKeys(first + headCount * dimension, count: rows.count, into: keys)
      packValues(first + 2 * headCount * dimension, count: rows.count, into: values)
      for start in Swift.stride(from: 0, to: rows.count, by: Self.blockRows) {
        let block = min(Self.blockRows, rows.count - start)
        attend(
          first + start * stride, rows: block, keys: keys, values: values, keyCount: rows.count,
          scores: values + valueSize,
          into: target + (rows.lowerBound + start) * targetStride + head)
      }
    }
  }

  private func attend(
    _ queries: UnsafePointer<Float>, rows: Int, keys: UnsafePointer<Float>,
    values: UnsafePointer<Float>, keyCount: Int, scores: UnsafeMutablePointer<Float>,
    into output: UnsafeMutablePointer<Float>
  ) {
    multiply(
      queries, stride, rows: rows, k: dimension, by: keys, columns: keyCount, into: scores, keyCount
    )
    let scale = 1 / Float(dimension).squareRoot()
    for row in 0..<rows {
      Softmax.normalize(scores + row * keyCount, count: keyCount, scale: scale)
    }
    multiply(
      scores, keyCount, rows: rows, k: keyCount, by: values, columns: dimension, into: output,
      targetStride)
  }

  private func multiply(
    _ x: UnsafePointer<Float>, _ xStride: Int, rows: Int, k: Int, by panels: UnsafePointer<Float>,
    columns: Int, into y: UnsafeMutablePointer<Float>, _ yStride: Int
  ) {
    var gemm = apus_gemm()
    gemm.x = x
    gemm.x_stride = xStride
    gemm.w = UnsafeRawPointer(panels).assumingMemoryBound(to: UInt8.self)
    gemm.panel_bytes = Self.width * k * 4
    gemm.rows = rows
    gemm.k = k
    gemm.columns = columns
    gemm.y = y
    gemm.y_stride = yStride
    table.pointee.gemm_f32(&gemm, 0, Self.panelCount(columns))
  }

  private static func panelCount(_ columns: Int) -> Int { (columns + width - 1) / width }

  private func packKeys(
    _ keys: UnsafePointer<Float>, count: Int, into panels: UnsafeMutablePointer<Float>
  ) {
    for first in Swift.stride(from: 0, to: count, by: Self.width) {
      apus_pack_rows(
        keys + first * stride, stride, min(Self.width, count - first), dimension,
        panels + first * dimension)
    }
  }

  /// The transposed values: a panel holds sixteen components of all rows.
  private func packValues(
    _ values: UnsafePointer<Float>, count: Int, into panels: UnsafeMutablePointer<Float>
  ) {
    for first in Swift.stride(from: 0, to: dimension, by: Self.width) {
      let filled = min(Self.width, dimension - first)
      for row in 0..<count {
        let target = panels + first * count + row * Self.width
        target.update(from: values + row * stride + first, count: filled)
        (target + filled).update(repeating: 0, count: Self.width - filled)
      }
    }
  }
}
