import ApusCompute
import ApusCore
import CApusKernels
import Testing

@Suite(.serialized) struct DequantizationTests {
  static let decoded: [TensorType] = [
    .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K, .iq4_nl, .iq4_xs, .bf16,
    .f16,
  ]

  @Test(arguments: decoded)
  func decodesAsGGUFPy(type: TensorType) throws {
    let name = type.name.lowercased()
    let found = decode(type, try QuantizationGoldens.bytes(name + ".blocks"))
    let expected = try QuantizationGoldens.floats(name + ".floats")
    #expect(found.count == expected.count)
    for (index, (a, b)) in zip(found, expected).enumerated() {
      #expect(a == b, "number \(index)")
    }
  }

  @Test func decodesQ8KAndF32() {
    var block = [UInt8](repeating: 0, count: 292)
    block.replaceSubrange(0..<4, with: [0, 0, 0, 0x3F])  // 0.5
    for i in 0..<256 { block[4 + i] = UInt8(truncatingIfNeeded: i) }
    let expected = (0..<256).map { 0.5 * Float(Int8(truncatingIfNeeded: $0)) }
    #expect(decode(.q8_K, block) == expected)
    #expect(decode(.f32, [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]) == [1, -2])
  }

  @Test func convertsEveryHalf() {
    for bits in UInt16.min...UInt16.max {
      let value = apus_float_from_half(bits)
      let expected = Float(Float16(bitPattern: bits))
      #expect(value.bitPattern == expected.bitPattern || (value.isNaN && expected.isNaN))
      if !value.isNaN { #expect(apus_half_from_float(value) == bits) }
    }
  }

  @Test func roundsToHalfAsHardwareDoes() {
    var random = RandomSource(seed: 7)
    for _ in 0..<200_000 {
      let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      let found = apus_half_from_float(value)
      if value.isNaN {
        #expect(Float16(bitPattern: found).isNaN)
      } else {
        #expect(found == Float16(value).bitPattern, "\(value)")
      }
    }
    for exponent in 0..<31 {  // ties between two neighbours
      for mantissa in [0, 1, 2, 511, 1022, 1023] {
        let low = Float(Float16(bitPattern: UInt16(exponent << 10 | mantissa)))
        let high = Float(Float16(bitPattern: UInt16(exponent << 10 | mantissa) + 1))
        let middle = low + (high - low) / 2
        guard middle.isFinite else { continue }
        for value in [middle, middle.nextUp, middle.nextDown, -middle] {
          #expect(apus_half_from_float(value) == Float16(value).bitPattern, "\(value)")
        }
      }
    }
  }

  @Test(arguments: TensorType.allCases)
  func takesAnyBytes(type: TensorType) {
    var random = RandomSource(seed: UInt64(type.rawValue))
    for round in 0..<50 {
      let bytes = (0..<type.blockByteCount * 2).map { _ in
        round == 0 ? 0xFF : UInt8(truncatingIfNeeded: random.next())
      }
      let numbers = decode(type, bytes)
      #expect(numbers.count == type.blockSize * 2)
      // All bits set: scales that are NaN make every number NaN.
      if round == 0 { #expect(numbers.allSatisfy { $0.isNaN }) }
    }
  }

  @Test func refusesWhatItDoesNotKnow() {
    var floats: [Float] = [7, 7]
    #expect(apus_dequantize(9, [0, 0, 0, 0], &floats, 1) == -1)
    #expect(apus_dequantize(1000, [0, 0, 0, 0], &floats, 1) == -1)
    #expect(apus_dequantize(TensorType.q8_0.rawValue, [0, 0, 0, 0], &floats, 2) == -1)
    #expect(floats == [7, 7])
  }
}
