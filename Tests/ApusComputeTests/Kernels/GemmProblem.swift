import ApusCompute
import ApusCore
import CApusKernels

/// A random matrix product, as the kernels see it; the numbers depend on the seed only.
struct GemmProblem: CustomStringConvertible {
  enum Kind: Sendable, CustomStringConvertible {
    case floats(TensorType)
    case int8(TensorType)

    /// Every kernel: float weights, and each quantised type that has a packed layout.
    static let all: [Kind] =
      [.floats(.f32), .floats(.f16), .floats(.bf16)]
      + TensorType.allCases.filter { apus_int8_format_of($0.rawValue) >= 0 }.map { .int8($0) }

    var type: TensorType {
      switch self {
      case .floats(let type), .int8(let type): type
      }
    }
    var format: Int32 { apus_int8_format_of(type.rawValue) }
    var isInt8: Bool { if case .int8 = self { true } else { false } }
    var sub: Int { isInt8 ? Int(apus_int8_sub(format)) : 32 }
    func panelBytes(_ k: Int) -> Int {
      isInt8 ? apus_int8_panel_bytes(format, k) : k * 16 * type.blockByteCount
    }
    var description: String { (isInt8 ? "int8 " : "") + type.name }
  }

  let kind: Kind
  let rows: Int
  let k: Int
  let columns: Int
  let hasBias: Bool
  let accumulates: Bool
  let wild: Bool
  let x: [Float]
  let xStride: Int
  let yStride: Int
  let bias: [Float]
  let y: [Float]
  /// Rows as they stand in a file.
  let stored: [[UInt8]]
  private let panels: [UInt8]

  var description: String { "\(kind) [\(rows), \(k)] x [\(columns), \(k)]" }

  init(
    _ kind: Kind, seed: UInt64, rows: Int? = nil, k: Int? = nil, columns: Int? = nil,
    wild: Bool? = nil
  ) {
    var random = RandomSource(seed: seed)
    self.kind = kind
    self.rows = rows ?? random.below(10)
    let block = kind.isInt8 ? max(32, kind.type.blockSize) : 1
    self.k =
      k ?? (kind.isInt8 ? (1 + random.below(block == 256 ? 2 : 5)) * block : 1 + random.below(90))
    self.columns = columns ?? (1 + random.below(120))
    hasBias = random.below(2) == 0
    accumulates = random.below(2) == 0
    let isWild = wild ?? (random.below(4) == 0)
    self.wild = isWild
    xStride = self.k + random.below(5)
    yStride = self.columns + random.below(4)
    x = random.floats(max(1, self.rows * xStride), wild: isWild)
    y = random.floats(max(1, self.rows * yStride))
    bias = random.floats(self.columns, wild: isWild)
    let width = self.k
    stored = (0..<self.columns).map { _ in
      Self.storedRow(kind.type, width, wild: isWild, random: &random)
    }
    panels = Self.pack(kind, stored, k: width)
  }

  private static func storedRow(
    _ type: TensorType, _ k: Int, wild: Bool, random: inout RandomSource
  ) -> [UInt8] {
    // Random bits hold NaN, infinity and subnormal numbers, also as scales.
    if wild { return random.bytes(type.byteCount(of: k)!) }
    if type.hasEncoder { return quantize(type, random.floats(k)) }
    // IQ4_XS: random blocks with numbers of about unit size.
    var bytes = random.bytes(type.byteCount(of: k)!)
    for block in stride(from: 0, to: bytes.count, by: type.blockByteCount) {
      let scale = apus_half_from_float(0.0004 * Float(1 + random.nextUnit()))
      bytes[block] = UInt8(scale & 255)
      bytes[block + 1] = UInt8(scale >> 8)
    }
    return bytes
  }

  private static func pack(_ kind: Kind, _ stored: [[UInt8]], k: Int) -> [UInt8] {
    let size = kind.panelBytes(k)
    let count = (stored.count + 15) / 16
    var panels = [UInt8](repeating: 0xEE, count: max(1, count * size))
    let flat = stored.flatMap { $0 }
    flat.withUnsafeBytes { flat in
      panels.withUnsafeMutableBytes { panels in
        for panel in 0..<count {
          let rows = (panel * 16..<min(stored.count, panel * 16 + 16)).map {
            Optional(UnsafeRawPointer(flat.baseAddress! + $0 * stored[0].count))
          }
          let target = panels.baseAddress! + panel * size
          switch kind {
          case .floats(.f32): apus_pack_f32(rows, rows.count, k, target)
          case .floats: apus_pack_f16(rows, rows.count, k, target)
          case .int8: apus_pack_int8(kind.format, rows, rows.count, k, target)
          }
        }
      }
    }
    return panels
  }

  struct Rounded {
    var q: [Int8]
    var scale: [Float]
    var offset: [Int32]
    var minimum: [Float]
  }

  /// The rows of x in 8 bits, by the scalar kernel.
  func rounded() -> Rounded {
    var result = Rounded(q: [0], scale: [0], offset: [0], minimum: [0])
    guard kind.isInt8 else { return result }
    for row in 0..<rows {
      var q = [Int8](repeating: 0, count: k)
      var scale = [Float](repeating: 0, count: k / 32)
      var offset = [Int32](repeating: 0, count: k / kind.sub)
      var minimum = [Float](repeating: 0, count: k / kind.sub)
      KernelTable.scalar.functions.pointee.quantize_row(
        Array(x[row * xStride..<row * xStride + k]), k, apus_int8_zero(kind.format),
        Int32(kind.sub), &q, &scale, &offset, &minimum)
      if row == 0 { result = Rounded(q: [], scale: [], offset: [], minimum: []) }
      result.q += q
      result.scale += scale
      result.offset += offset
      result.minimum += minimum
    }
    return result
  }

  /// y after the product of some of the rows.
  func product(_ table: KernelTable, rows range: Range<Int>? = nil) -> [Float] {
    let range = range ?? 0..<rows
    let result = GuardedFloats(y)
    let rounded = rounded()
    x.withUnsafeBufferPointer { x in
      rounded.q.withUnsafeBufferPointer { q in
        rounded.scale.withUnsafeBufferPointer { scale in
          rounded.offset.withUnsafeBufferPointer { offset in
            rounded.minimum.withUnsafeBufferPointer { minimum in
              panels.withUnsafeBufferPointer { panels in
                bias.withUnsafeBufferPointer { bias in
                  let first = range.lowerBound
                  var gemm = apus_gemm()
                  gemm.x = x.baseAddress! + first * xStride
                  gemm.xq = q.baseAddress! + first * k
                  gemm.xscale = scale.baseAddress! + first * (k / 32)
                  gemm.xoffset = offset.baseAddress! + first * (k / kind.sub)
                  gemm.xmin = minimum.baseAddress! + first * (k / kind.sub)
                  gemm.x_stride = kind.isInt8 ? k : xStride
                  (gemm.w, gemm.panel_bytes) = (panels.baseAddress, kind.panelBytes(k))
                  (gemm.rows, gemm.k, gemm.columns) = (range.count, k, columns)
                  (gemm.y, gemm.y_stride) = (result.base + first * yStride, yStride)
                  gemm.bias = hasBias ? bias.baseAddress : nil
                  gemm.accumulate = accumulates ? 1 : 0
                  kind.function(table)(&gemm, 0, (columns + 15) / 16)
                }
              }
            }
          }
        }
      }
    }
    precondition(result.marginsAreIntact, "\(self) writes outside of y")
    return result.values
  }

  /// y in double precision, from the decoded weights and the (rounded) activations.
  func naive() -> [Double] {
    var result = y.map(Double.init)
    let rounded = rounded()
    for (column, bytes) in stored.enumerated() {
      var weights = [Float](repeating: 0, count: k)
      _ = bytes.withUnsafeBytes {
        apus_dequantize(kind.type.rawValue, $0.baseAddress!, &weights, k)
      }
      for row in 0..<rows {
        var sum = hasBias ? Double(bias[column]) : 0
        for i in 0..<k {
          let value =
            kind.isInt8
            ? Double(rounded.q[row * k + i]) * Double(rounded.scale[row * (k / 32) + i / 32])
            : Double(x[row * xStride + i])
          sum += Double(weights[i]) * value
        }
        result[row * yStride + column] = sum + (accumulates ? result[row * yStride + column] : 0)
      }
    }
    return result
  }
}

extension GemmProblem.Kind {
  typealias Function = @convention(c) (UnsafePointer<apus_gemm>?, Int, Int) -> Void

  func function(_ table: KernelTable) -> Function {
    switch self {
    case .floats(.f32): return table.functions.pointee.gemm_f32
    case .floats(.f16): return table.functions.pointee.gemm_f16
    case .floats: return table.functions.pointee.gemm_bf16
    case .int8:
      return withUnsafePointer(to: table.functions.pointee.gemm_int8) {
        UnsafeRawPointer($0).assumingMemoryBound(to: Function.self)[Int(format)]
      }
    }
  }
}
