import ApusCompute
import ApusCore
import CApusKernels
import Testing

/// Weight panels, byte by byte.
@Suite struct PackingTests {
  /// Number i of row c stands at i * 16 + c, zeros where a row is missing.
  @Test(arguments: [TensorType.f32, .f16, .bf16])
  func floatsStandColumnByColumn(type: TensorType) {
    var random = RandomSource(seed: 3)
    let size = type.blockByteCount
    for k in 1...40 {
      for count in [1, 4, 7, 15, 16] {
        let rows = (0..<count).map { _ in random.bytes(k * size) }
        var expected = [UInt8](repeating: 0, count: k * 16 * size)
        for (c, row) in rows.enumerated() {
          for byte in row.indices {
            expected[(byte / size * 16 + c) * size + byte % size] = row[byte]
          }
        }
        #expect(pack(.floats(type), rows, k: k) == expected, "\(count) rows of \(k)")
      }
    }
  }

  private func pack(_ kind: GemmProblem.Kind, _ rows: [[UInt8]], k: Int) -> [UInt8] {
    var panel = [UInt8](repeating: 0xEE, count: kind.panelBytes(k))
    let flat = rows.flatMap { $0 }
    flat.withUnsafeBytes { flat in
      let pointers = rows.indices.map { Optional(flat.baseAddress! + $0 * rows[0].count) }
      switch kind {
      case .floats(.f32): apus_pack_f32(pointers, rows.count, k, &panel)
      case .floats: apus_pack_f16(pointers, rows.count, k, &panel)
      case .int8: apus_pack_int8(kind.format, pointers, rows.count, k, &panel)
      }
    }
    return panel
  }
}
