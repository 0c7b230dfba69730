import ApusCompute
import ApusCore
import Testing

@Suite(.serialized) struct QuantizationTests {
  static let encoded: [TensorType] = [
    .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K, .iq4_nl,
  ]

  @Test(arguments: encoded)
  func writesTheBytesOfGGML(type: TensorType) throws {
    let numbers = try QuantizationGoldens.floats("numbers.f32")
    let expected = try QuantizationGoldens.bytes(type.name.lowercased() + ".bytes")
    #expect(differences(quantize(type, numbers), expected, type) == [])
  }

  @Test(
    .enabled(if: QuantizationGoldens.haveGGML, "the artefacts folder (APUS_SHARED) is missing"),
    arguments: encoded)
  func writesTheBytesOfTheRecordedVectors(type: TensorType) throws {
    let folder = QuantizationGoldens.ggmlFolder
    let name = "\(type.name.lowercased())_\(type.blockSize == 32 ? 64 : 512)_noim"
    let numbers = try QuantizationGoldens.floats(name + "_input.bin", in: folder)
    let expected = try QuantizationGoldens.bytes(name + "_expected.bin", in: folder)
    #expect(differences(quantize(type, numbers), expected, type) == [])
  }

  /// The indices of the blocks that differ.
  private func differences(_ a: [UInt8], _ b: [UInt8], _ type: TensorType) -> [Int] {
    guard a.count == b.count else { return [-1] }
    let size = type.blockByteCount
    return (0..<a.count / size).filter {
      a[$0 * size..<($0 + 1) * size] != b[$0 * size..<($0 + 1) * size]
    }
  }

  /// The root mean square error of normally distributed numbers, in units of their deviation.
  @Test(arguments: [
    (TensorType.f32, 0), (.f16, 0.0003), (.bf16, 0.003), (.q8_0, 0.007), (.q6_K, 0.02),
    (.q5_K, 0.04), (.q5_1, 0.045), (.q5_0, 0.05), (.q4_K, 0.08), (.iq4_nl, 0.085), (.q4_1, 0.09),
    (.q4_0, 0.1), (.q3_K, 0.17), (.q2_K, 0.32),
  ])
  func keepsTheErrorBelow(type: TensorType, limit: Double) {
    let numbers = normalNumbers(count: 16384, seed: 3)
    let back = decode(type, quantize(type, numbers))
    let squares = zip(numbers, back).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    #expect((squares / Double(numbers.count)).squareRoot() <= limit)
  }

  @Test(arguments: TensorType.allCases.filter(\.hasEncoder))
  func takesAnyNumbers(type: TensorType) {
    let awkward: [Float] = [
      .nan, .infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
      .leastNonzeroMagnitude, -0.0, 1e-15, 1e30, 65520, -0x1p-133,
    ]
    var random = RandomSource(seed: 5)
    for round in 0..<200 {
      let numbers = (0..<256).map { index -> Float in
        switch round {
        case 0: .nan
        case 1: .infinity
        case 2: index % 2 == 0 ? .greatestFiniteMagnitude : -.greatestFiniteMagnitude
        case 3..<100: awkward[Int(random.next() % UInt64(awkward.count))]
        default: Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
        }
      }
      let bytes = quantize(type, numbers)
      #expect(bytes == quantize(type, numbers))
      #expect(decode(type, bytes).count == 256)
    }
  }
}

/// Numbers of a normal distribution of mean 0 and deviation 1 (sums of twelve uniform ones).
func normalNumbers(count: Int, seed: UInt64) -> [Float] {
  var random = RandomSource(seed: seed)
  return (0..<count).map { _ in Float((0..<12).reduce(-6) { sum, _ in sum + random.nextUnit() }) }
}
