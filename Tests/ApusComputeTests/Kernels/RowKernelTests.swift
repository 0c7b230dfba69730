import ApusCore
import CApusKernels
import Foundation
import Testing

/// Operations on one row: vector tables have the scalar table's bits, for every length and every number.
@Suite(.serialized) struct RowKernelTests {
  /// Calls `body` with each vector table for many lengths, half of them with wild numbers.
  private func sweep(_ lengths: [Int], _ body: (inout RandomSource, Int, Bool) -> Void) {
    for length in lengths {
      for seed in 0..<6 as Range<UInt64> {
        var random = RandomSource(seed: seed &+ UInt64(length) &* 1000)
        body(&random, length, seed % 2 == 1)
      }
    }
  }

  private static let lengths = Array(1...70) + [96, 127, 128, 129, 576, 1000]

  private struct Quantized: Equatable {
    var q: [Int8]
    var scale: [UInt32]
    var offset: [Int32]
    var minimum: [UInt32]
  }

  private func quantize(_ table: KernelTable, _ x: [Float], zero: Int32 = 128, sub: Int = 32)
    -> Quantized
  {
    var q = [Int8](repeating: 99, count: x.count)
    var scale = [Float](repeating: 0, count: x.count / 32)
    var offset = [Int32](repeating: 0, count: x.count / sub)
    var minimum = [Float](repeating: 0, count: x.count / sub)
    table.functions.pointee.quantize_row(
      x, x.count, zero, Int32(sub), &q, &scale, &offset, &minimum)
    return Quantized(
      q: q, scale: scale.map(\.bitPattern), offset: offset, minimum: minimum.map(\.bitPattern))
  }

  @Test(arguments: KernelTable.vector, [16, 32])
  func quantizeRow(_ table: KernelTable, sub: Int) {
    sweep([32, 64, 96, 576, 2048]) { random, length, wild in
      let x = random.floats(length, wild: wild)
      #expect(quantize(table, x, sub: sub) == quantize(.scalar, x, sub: sub))
    }
    for value in [
      0, 1e-31, 1e-30, 1e-38, .leastNonzeroMagnitude, 3.4e38, Float.infinity, -.infinity, .nan,
    ] {
      var x = [Float](repeating: 0, count: 32)
      x[7] = value
      #expect(quantize(table, x, sub: sub) == quantize(.scalar, x, sub: sub), "\(value)")
      x = [Float](repeating: value, count: 32)
      #expect(quantize(table, x, sub: sub) == quantize(.scalar, x, sub: sub), "\(value)")
    }
  }

  @Test(arguments: KernelTable.all, [16, 32])
  func quantizeRowIsClose(_ table: KernelTable, sub: Int) {
    var random = RandomSource(seed: 1)
    let x = random.floats(320)
    let result = quantize(table, x, zero: 8, sub: sub)
    for (index, value) in x.enumerated() {
      let scale = Float(bitPattern: result.scale[index / 32])
      #expect(abs(Float(result.q[index]) * scale - value) <= scale * 0.501)
    }
    for group in 0..<320 / sub {
      let total = result.q[group * sub..<(group + 1) * sub].reduce(0) { $0 + Int32($1) }
      #expect(result.offset[group] == Int32(APUS_DOT_BASE) - 8 * total)
      let scale = Float(bitPattern: result.scale[group * sub / 32])
      #expect(Float(bitPattern: result.minimum[group]) == scale * Float(total))
    }
  }

  @Test(arguments: KernelTable.vector)
  func rmsNorm(_ table: KernelTable) {
    sweep(Self.lengths) { random, length, wild in
      let (x, weight) = (random.floats(length, wild: wild), random.floats(length))
      let results = [KernelTable.scalar, table].map { table in
        let y = GuardedFloats([Float](repeating: 0, count: length))
        table.functions.pointee.rms_norm(x, weight, 1e-5, length, y.base)
        #expect(y.marginsAreIntact)
        return y.values
      }
      #expect(sameBits(results[0], results[1]), "length \(length)")
    }
  }

  @Test(arguments: KernelTable.vector)
  func swiglu(_ table: KernelTable) {
    sweep(Self.lengths) { random, length, wild in
      let gate = random.floats(length, wild: wild).map { $0 * 20 }
      let up = random.floats(length, wild: wild)
      let results = [KernelTable.scalar, table].map { table in
        let y = GuardedFloats([Float](repeating: 0, count: length))
        table.functions.pointee.swiglu(gate, up, length, y.base)
        #expect(y.marginsAreIntact)
        return y.values
      }
      #expect(sameBits(results[0], results[1]), "length \(length)")
    }
  }

  @Test(arguments: KernelTable.all)
  func swigluIsAccurate(_ table: KernelTable) {
    let gate = (-1000...1000).map { Float($0) / 10 }
    let up = [Float](repeating: 1, count: gate.count)
    var y = [Float](repeating: 0, count: gate.count)
    table.functions.pointee.swiglu(gate, up, gate.count, &y)
    for (x, result) in zip(gate, y) {
      let expected = Double(x) / (1 + exp(-Double(x)))
      #expect(abs(Double(result) - expected) <= 2e-7 * max(abs(expected), 1), "silu(\(x))")
    }
  }

  @Test(arguments: KernelTable.vector, [false, true])
  func rope(_ table: KernelTable, interleaved: Bool) {
    sweep(Array(1...40) + [64, 65, 128]) { random, half, wild in
      let x = random.floats(2 * half, wild: wild)
      let angles = random.floats(half)
      let (cosines, sines) = (angles.map { cos($0) }, angles.map { sin($0) })
      let results = [KernelTable.scalar, table].map { table in
        let y = GuardedFloats(x)
        table.functions.pointee.rope(y.base, half, cosines, sines, interleaved ? 1 : 0)
        #expect(y.marginsAreIntact)
        return y.values
      }
      #expect(sameBits(results[0], results[1]), "half \(half)")
    }
  }
}
