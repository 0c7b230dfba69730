import CApusKernels

/// Where the stored rows of a matrix lie: [rows, columns] of one type inside a mapped file.
public struct StoredMatrix: Sendable {
  public let file: MappedFile
  public let offset: Int
  public let type: TensorType
  public let rows: Int
  public let columns: Int

  public init(file: MappedFile, offset: Int, type: TensorType, rows: Int, columns: Int) {
    self.file = file
    self.offset = offset
    self.type = type
    self.rows = rows
    self.columns = columns
  }

  /// Bytes of one row.
  public var rowByteCount: Int { columns / type.blockSize * type.blockByteCount }

  func row(_ index: Int) -> UnsafeRawPointer { file.base + offset + index * rowByteCount }

  /// One row as floats.
  public func floats(row index: Int) -> [Float] {
    precondition(index >= 0 && index < rows, "row outside of the matrix")
    return [Float](unsafeUninitializedCapacity: columns) { buffer, count in
      apus_dequantize(type.rawValue, row(index), buffer.baseAddress!, columns)
      count = columns
    }
  }
}

/// The weights of a linear layer, laid out for the kernels: y[rows] = x[columns] · wᵀ.
///
/// Weights are packed in panels of 16 rows: floats as they are, quantised types without loss in the layouts of
/// int8_formats.h. Where activations must stay floats, quantised types keep their stored blocks, which are decoded to
/// a panel of floats while multiplying.
public final class PackedMatrix: Sendable {
  /// Outputs.
  public let rows: Int
  /// Inputs.
  public let columns: Int
  let layout: Layout
  let panelByteCount: Int
  private let panels: PanelStorage
  private let sources: [StoredMatrix]

  enum Layout: Sendable {
    case f32, f16, bf16
    /// A row of int8_formats.h.
    case int8(Int32)
    /// Stored blocks of any type.
    case blocks
  }

  var panelCount: Int { (rows + Int(APUS_PANEL) - 1) / Int(APUS_PANEL) }
  var base: UnsafePointer<UInt8> { UnsafePointer(panels.buffer.base) }

  /// Packs the rows of `sources`, one below the other, which must agree in columns and type.
  public init(_ sources: [StoredMatrix], precision: Precision, pool: WorkerPool) {
    let type = sources[0].type
    precondition(sources.allSatisfy { $0.columns == sources[0].columns && $0.type == type })
    let k = sources[0].columns
    rows = sources.reduce(0) { $0 + $1.rows }
    columns = k
    let int8 = apus_int8_format_of(type.rawValue)
    switch type {
    case .f32: (layout, panelByteCount) = (.f32, k * 64)
    case .f16: (layout, panelByteCount) = (.f16, k * 32)
    case .bf16: (layout, panelByteCount) = (.bf16, k * 32)
    case _ where int8 >= 0 && precision == .quantized:
      (layout, panelByteCount) = (.int8(int8), apus_int8_panel_bytes(int8, k))
    default: (layout, panelByteCount) = (.blocks, 0)
    }
    self.sources = sources
    panels = PanelStorage(byteCount: (rows + 15) / 16 * panelByteCount)
    if panelByteCount > 0 { pool.run(panelCount) { pack(panel: $0) } }
  }

  /// Pointers to the stored rows of one panel.
  func withRows(ofPanel panel: Int, _ body: (UnsafePointer<UnsafeRawPointer?>, Int) -> Void) {
    let width = Int(APUS_PANEL)
    let first = panel * width
    let count = min(width, rows - first)
    withUnsafeTemporaryAllocation(of: UnsafeRawPointer?.self, capacity: width) { pointers in
      var source = 0
      var start = 0
      for index in 0..<count {
        while first + index - start >= sources[source].rows {
          start += sources[source].rows
          source += 1
        }
        pointers.initializeElement(at: index, to: sources[source].row(first + index - start))
      }
      body(UnsafePointer(pointers.baseAddress!), count)
    }
  }

  private func pack(panel: Int) {
    let target = UnsafeMutableRawPointer(panels.buffer.base) + panel * panelByteCount
    withRows(ofPanel: panel) { pointers, count in
      switch layout {
      case .f32: apus_pack_f32(pointers, count, columns, target)
      case .f16, .bf16: apus_pack_f16(pointers, count, columns, target)
      case .int8(let format): apus_pack_int8(format, pointers, count, columns, target)
      case .blocks: break
      }
    }
  }

  /// Decodes numbers `range` of one panel's rows to floats laid out as a panel.
  func decode(
    panel: Int, _ range: Range<Int>, scratch: UnsafeMutablePointer<Float>,
    into target: UnsafeMutablePointer<Float>
  ) {
    let type = sources[0].type
    let offset = range.lowerBound / type.blockSize * type.blockByteCount
    withRows(ofPanel: panel) { pointers, count in
      for index in 0..<count {
        apus_dequantize(
          type.rawValue, pointers[index]! + offset, scratch + index * range.count, range.count)
      }
      apus_pack_rows(scratch, range.count, count, range.count, target)
    }
  }
}

/// Memory of packed panels.
///
/// Unchecked: it is written only while `PackedMatrix` packs, each panel by one task, and read-only afterwards.
private final class PanelStorage: @unchecked Sendable {
  let buffer: Buffer<UInt8>
  init(byteCount: Int) { buffer = Buffer(count: byteCount) }
}

/// How products with quantised weights are computed.
public enum Precision: String, Sendable, CaseIterable {
  /// Activations are rounded to 8 bits per block of 32 where the weights are quantised.
  case quantized = "int8"
  /// Activations stay floats; the weights are decoded.
  case full = "f32"
}
