import ApusAttention
import ApusCompute
import ApusCore
import ApusModels
import Testing

/// The contract of exactness on whole models: chunks, threads and neighbours in the batch never change a bit.
@Suite(.serialized) struct ExactnessTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var type: TensorType
    var precision = Precision.quantized
    var kv = KVElement.f16
    var wideHeads = false

    var testDescription: String {
      "\(type) \(precision) \(kv)\(wideHeads ? " head dimension 64" : "")"
    }

    func model() -> RandomModel {
      var model = RandomModel(type: type)
      if type.blockSize == 256 { (model.hidden, model.inner, model.heads) = (256, 256, 16) }
      if wideHeads { (model.heads, model.kvHeads, model.headDimension) = (3, 1, 64) }
      if wideHeads, type.blockSize == 256 { model.heads = 4 }
      return model
    }
  }

  static let cases = [
    Case(type: .f32, kv: .f32), Case(type: .f32, wideHeads: true), Case(type: .f16),
    Case(type: .bf16, kv: .bf16), Case(type: .q8_0), Case(type: .q8_0, precision: .full),
    Case(type: .q4_0), Case(type: .q5_1), Case(type: .q4_K, wideHeads: true), Case(type: .q6_K),
    Case(type: .q4_K, precision: .full),
  ]

  /// More than two splits of attention.
  static let length = 2 * Compute.attentionSplit + 101

  private func harness(_ test: Case, threads: Int, isa: String, path: String) throws -> ModelHarness
  {
    try ModelHarness(
      path, kv: test.kv, precision: test.precision, threads: threads, instructionSet: isa,
      capacity: Self.length + 75, sequences: 3)
  }

  @Test(arguments: cases)
  func chunksAndThreads(_ test: Case) throws {
    let folder = try TemporaryFolder()
    let random = test.model()
    let path = try random.write(to: folder)
    let tokens = random.tokens(Self.length, seed: 2)
    for isa in InstructionSets.available where isa != "scalar" || test.type == .f32 {
      let whole = try harness(test, threads: 1, isa: isa, path: path).logits(tokens)
      #expect(whole.joined().allSatisfy { $0.isFinite })
      for (chunk, threads) in [(1, 2), (7, 1), (64, 2), (Self.length, 2)] {
        let logits = try harness(test, threads: threads, isa: isa, path: path)
          .logits(tokens, chunk: chunk)
        #expect(sameBits(logits, whole), "\(isa), chunks of \(chunk), \(threads) threads")
      }
    }
  }

  @Test(arguments: cases)
  func neighbours(_ test: Case) throws {
    let folder = try TemporaryFolder()
    let random = test.model()
    let path = try random.write(to: folder)
    let isa = InstructionSets.available.last!
    let tokens = random.tokens(Self.length, seed: 3)
    let alone = try harness(test, threads: 1, isa: isa, path: path).logits(tokens)
    let model = try harness(test, threads: 2, isa: isa, path: path)
    let others = (0..<2).map { _ in model.takePages(tokens: Self.length) }
    let neighbour = random.tokens(Self.length, seed: 4)
    var (start, together): (Int, [[Float]]) = (0, [])
    var source = RandomSource(seed: 5)
    while start < tokens.count {
      let size = min(tokens.count - start, 1 + Int(source.next() % 60))
      var batch = ForwardBatch()
      batch.append(tokens: [neighbour[start]], firstIndex: start, pages: others[0])
      batch.append(
        tokens: tokens[start..<start + size], firstIndex: start, pages: model.pages)
      let room = min(Self.length - start, 1 + Int(source.next() % 9))
      batch.append(
        tokens: neighbour[start..<start + room], firstIndex: start, pages: others[1])
      together += model.run(batch)[1...size]
      start += size
    }
    #expect(sameBits(together, alone))
  }

  /// Tables differ in nothing but in how they multiply numbers of 16 bits, which is more than the contract asks.
  @Test(arguments: cases)
  func instructionSets(_ test: Case) throws {
    let folder = try TemporaryFolder()
    let random = test.model()
    let path = try random.write(to: folder)
    let tokens = random.tokens(150, seed: 6)
    var results: [HalfArithmetic: [[Float]]] = [:]
    for isa in InstructionSets.available {
      let model = try harness(test, threads: 1, isa: isa, path: path)
      let (result, halves) = (model.logits(tokens), model.compute.halves)
      #expect(sameBits(result, results[halves, default: result]))
      results[halves] = result
    }
  }

  /// Quantised products stay near the products with the decoded weights.
  @Test(arguments: [TensorType.q8_0, .q4_0, .q5_1, .q4_K, .q6_K])
  func roundedActivationsAreClose(_ type: TensorType) throws {
    let folder = try TemporaryFolder()
    let random = Case(type: type).model()
    let path = try random.write(to: folder)
    let tokens = random.tokens(40, seed: 7)
    let full = try ModelHarness(path, precision: .full).logits(tokens)
    let rounded = try ModelHarness(path, precision: .quantized).logits(tokens)
    #expect(largestDifference(full, rounded) < 0.5)
  }
}
