import CApusKernels

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
  let layout: PanelShape.Layout
  let panelByteCount: Int
  let panels: WeightBytes
  /// Empty where panels take their place.
  private let sources: [StoredMatrix]

  var panelCount: Int { (rows + Int(APUS_PANEL) - 1) / Int(APUS_PANEL) }
  var base: UnsafePointer<UInt8> { panels.base }

  /// Packs the rows of `sources`, one below the other, which must agree in columns and type.
  public convenience init(
    _ sources: [StoredMatrix], precision: Precision, pool: WorkerPool,
    arena: WeightArena = WeightArena()
  ) {
    let (type, columns) = (sources[0].type, sources[0].columns)
    precondition(sources.allSatisfy { $0.columns == columns && $0.type == type })
    let shape = PanelShape(
      rows: sources.reduce(0) { $0 + $1.rows }, columns: columns, type: type, precision: precision)
    let panels = arena.allocate(shape.byteCount) { target in
      guard shape.panelByteCount > 0 else { return }
      PanelPacker(shape: shape, sources: sources, target: target).pack(pool)
    }
    self.init(shape, panels: panels, sources: sources)
  }

  /// Panels that were packed before; `sources` are needed where the shape has none.
  init(_ shape: PanelShape, panels: WeightBytes, sources: [StoredMatrix] = []) {
    precondition(panels.count >= shape.byteCount, "the panels are incomplete")
    rows = shape.rows
    columns = shape.columns
    layout = shape.layout
    panelByteCount = shape.panelByteCount
    self.panels = panels
    self.sources = panelByteCount > 0 ? [] : sources
  }

  /// Decodes numbers `range` of one panel's rows to floats laid out as a panel.
  func decode(
    panel: Int, _ range: Range<Int>, scratch: UnsafeMutablePointer<Float>,
    into target: UnsafeMutablePointer<Float>
  ) {
    let type = sources[0].type
    let offset = range.lowerBound / type.blockSize * type.blockByteCount
    sources.withRows(ofPanel: panel) { pointers, count in
      for index in 0..<count {
        apus_dequantize(
          type.rawValue, pointers[index]! + offset, scratch + index * range.count, range.count)
      }
      apus_pack_rows(scratch, range.count, count, range.count, target)
    }
  }
}

/// How many bytes the panels of a matrix have, and in which layout.
package struct PanelShape: Sendable {
  enum Layout: Sendable {
    case f32, f16, bf16
    /// A row of int8_formats.h.
    case int8(Int32)
    /// Stored blocks of any type; there are no panels.
    case blocks
  }

  let rows: Int
  let columns: Int
  let layout: Layout
  let panelByteCount: Int

  /// A higher number wherever the bytes of the panels of some type change: packed weights are kept in files.
  package static let version = 1

  package init(rows: Int, columns: Int, type: TensorType, precision: Precision) {
    self.rows = rows
    self.columns = columns
    let int8 = apus_int8_format_of(type.rawValue)
    switch type {
    case .f32: (layout, panelByteCount) = (.f32, columns * 64)
    case .f16: (layout, panelByteCount) = (.f16, columns * 32)
    case .bf16: (layout, panelByteCount) = (.bf16, columns * 32)
    case _ where int8 >= 0 && precision == .quantized:
      (layout, panelByteCount) = (.int8(int8), apus_int8_panel_bytes(int8, columns))
    default: (layout, panelByteCount) = (.blocks, 0)
    }
  }

  var panelCount: Int { (rows + Int(APUS_PANEL) - 1) / Int(APUS_PANEL) }
  package var byteCount: Int { panelCount * panelByteCount }
}

/// Writes the panels of one matrix.
///
/// Unchecked: the sources are only read, each panel is written by one task, and `pack` returns when all tasks are done,
/// while its caller holds the target.
private struct PanelPacker: @unchecked Sendable {
  let shape: PanelShape
  let sources: [StoredMatrix]
  let target: UnsafeMutablePointer<UInt8>

  /// Packs on all threads, and gives the sources' memory back on the way: panels and file are never there both.
  func pack(_ pool: WorkerPool) {
    let width = Int(APUS_PANEL)
    let step = max(1, StoredMatrix.sliceByteCount / (sources[0].rowByteCount * width))
    for first in stride(from: 0, to: shape.panelCount, by: step) {
      let slice = first..<min(first + step, shape.panelCount)
      pool.run(slice.count) { pack(panel: first + $0) }
      sources.release(rows: slice.lowerBound * width..<min(slice.upperBound * width, shape.rows))
    }
  }

  private func pack(panel: Int) {
    let target = UnsafeMutableRawPointer(target) + panel * shape.panelByteCount
    sources.withRows(ofPanel: panel) { pointers, count in
      switch shape.layout {
      case .f32: apus_pack_f32(pointers, count, shape.columns, target)
      case .f16, .bf16: apus_pack_f16(pointers, count, shape.columns, target)
      case .int8(let format): apus_pack_int8(format, pointers, count, shape.columns, target)
      case .blocks: break
      }
    }
  }
}

/// Matrices one below the other.
extension [StoredMatrix] {
  /// Calls `body` with pointers to the stored rows of one panel.
  fileprivate func withRows(
    ofPanel panel: Int, _ body: (UnsafePointer<UnsafeRawPointer?>, Int) -> Void
  ) {
    let width = Int(APUS_PANEL)
    let first = panel * width
    withUnsafeTemporaryAllocation(of: UnsafeRawPointer?.self, capacity: width) { pointers in
      var start = 0
      var count = 0
      for source in self {
        while count < width, first + count < start + source.rows {
          pointers.initializeElement(at: count, to: source.row(first + count - start))
          count += 1
        }
        start += source.rows
      }
      body(UnsafePointer(pointers.baseAddress!), count)
    }
  }

  fileprivate func release(rows: Range<Int>) {
    var start = 0
    for source in self {
      let part = rows.clamped(to: start..<start + source.rows)
      if !part.isEmpty { source.release(rows: part.lowerBound - start..<part.upperBound - start) }
      start += source.rows
    }
  }
}

/// How products with quantised weights are computed.
public enum Precision: String, Sendable, CaseIterable {
  /// Activations are rounded to 8 bits per block of 32 where the weights are quantised.
  case quantized = "int8"
  /// Activations stay floats; the weights are decoded.
  case full = "f32"
}
