import CApusKernels

/// A format of weights.
private struct Weights {
  let type: TensorType
  let format: Int32

  init(_ type: TensorType) {
    self.type = type
    format = apus_int8_format_of(type.rawValue)
  }

  static let all = TensorType.allCases.map(Weights.init).filter {
    $0.format >= 0 || [.f32, .f16, .bf16].contains($0.type)
  }

  var isInt8: Bool { format >= 0 }

  func panelByteCount(_ k: Int) -> Int {
    isInt8 ? apus_int8_panel_bytes(format, k) : k * Int(APUS_PANEL) * type.blockByteCount
  }

  func function(_ table: UnsafePointer<apus_kernels>) -> GemmFunction {
    switch type {
    case .f32: table.pointee.gemm_f32
    case .f16: table.pointee.gemm_f16
    case .bf16: table.pointee.gemm_bf16
    default: table.int8Product(format)!
    }
  }
}

extension KernelBenchmark {
  /// Every format of weights with one row, a few and many.
  var products: [Case] {
    Weights.all.flatMap { weights in
      sizes.rows.map { rows in
        let name = "gemm_\(weights.type.name.lowercased())_r\(rows)"
        return Case(name: name) { self.product(name, weights, rows: rows) }
      }
    }
  }

  private func product(_ name: String, _ weights: Weights, rows: Int) -> KernelMeasurement {
    let (k, columns) = (sizes.k, sizes.columns)
    var activations = Buffer<UInt8>(count: rows * k * 4)
    activations.fillWithHarmlessBytes()
    let output = Buffer<Float>(count: rows * columns)
    let panelBytes = weights.panelByteCount(k)
    let panels = (columns + Int(APUS_PANEL) - 1) / Int(APUS_PANEL)
    let many = rows >= Int(APUS_MANY_ROWS)
    // A few rows meet other weights each time: those of a model do not fit the caches.
    let copies = many ? 1 : max(1, memory.count / (panels * panelBytes))
    let gemm = descriptor(activations, output, rows: rows, k: k, columns: columns)
    let base = UnsafePointer(memory.base)
    let function = weights.function(table)
    let group = many ? table.pointee.panels : 1
    let operations = 2 * Double(rows * k * columns) * Double(copies)
    let small = 6 * Int(APUS_PANEL)
    return measure(
      name,
      work: Work(
        bytes: Double(copies * panels * panelBytes), floats: weights.isInt8 ? 0 : operations,
        int8: weights.isInt8 ? operations : 0)
    ) {
      for copy in 0..<copies {
        var gemm = gemm
        gemm.w = base + copy * panels * panelBytes
        gemm.panel_bytes = panelBytes
        compute.pool.ranges((panels + group - 1) / group, grain: 1) { _, range in
          withUnsafePointer(to: gemm) {
            function($0, range.lowerBound * group, min(range.upperBound * group, panels))
          }
        }
      }
    } small: { table in
      var gemm = descriptor(
        activations, output, rows: min(rows, Int(APUS_MANY_ROWS)), k: min(k, 512),
        columns: min(columns, small))
      gemm.w = base
      gemm.panel_bytes = weights.panelByteCount(gemm.k)
      weights.function(table)(&gemm, 0, (gemm.columns + 15) / 16)
    }
  }

  /// A product whose activations, rounded ones and their scales are all the same bytes.
  private func descriptor(
    _ activations: borrowing Buffer<UInt8>, _ output: borrowing Buffer<Float>, rows: Int, k: Int,
    columns: Int
  ) -> apus_gemm {
    let bytes = UnsafeRawPointer(activations.base)
    var gemm = apus_gemm()
    gemm.x = bytes.assumingMemoryBound(to: Float.self)
    gemm.xq = bytes.assumingMemoryBound(to: Int8.self)
    gemm.xscale = bytes.assumingMemoryBound(to: Float.self)
    gemm.xoffset = bytes.assumingMemoryBound(to: Int32.self)
    gemm.xmin = bytes.assumingMemoryBound(to: Float.self)
    gemm.x_stride = k
    (gemm.rows, gemm.k, gemm.columns) = (rows, k, columns)
    (gemm.y, gemm.y_stride) = (output.base, columns)
    return gemm
  }
}
