import ApusCompute
import ApusCore
import CApusKernels
import Testing

/// Weight panels, byte by byte.
@Suite(.serialized) struct PackingTests {
  /// The start of the BLAKE2b digests of the panels of random blocks, of 16 rows and of 5, in the layouts of version 1.
  ///
  /// Packed weights are kept in files. Whoever changes a layout raises `PanelShape.version`, and then the digests here.
  private static let digests: [TensorType: String] = [
    .f32: "e52ee9d9a2eb65dd", .f16: "45a5a6b78bf3c390", .bf16: "fc18d547bd3cd031",
    .q4_0: "b37df463f628d892", .q4_1: "fad0450645a5c8b1", .q5_0: "d1ea8aff9f1ed693",
    .q5_1: "69dc722def4d2fef", .q8_0: "5707d52dd4a88ad0", .q2_K: "472072b65253c0f5",
    .q3_K: "2d52dfb27b99ef58", .q4_K: "aa4ef598bc114a77", .q5_K: "899ad4c4f146f12a",
    .q6_K: "379f7d742353680d", .iq4_nl: "d3d0b5fc4fa1ebf0", .iq4_xs: "fd51dc865bfc148c",
  ]

  @Test(arguments: GemmProblem.Kind.all)
  func layoutsAreThoseOfTheirVersion(kind: GemmProblem.Kind) {
    #expect(PanelShape.version == 1)
    var random = RandomSource(seed: UInt64(kind.type.rawValue) + 1)
    let k = kind.isInt8 ? 512 : 75
    let bytes = [16, 5].flatMap { count in
      pack(kind, (0..<count).map { _ in random.bytes(kind.type.byteCount(of: k)!) }, k: k)
    }
    #expect(ContentHash.hexadecimal(bytes).prefix(16) == Self.digests[kind.type]?[...], "\(kind)")
  }

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
