import ApusAttention
import ApusCompute
import ApusCore
import ApusKV
import Foundation
import Testing

@Suite(.serialized) struct KVStoreTests {
  @Test(arguments: KVElement.allCases, [4, 24, 128])
  func storesAndLoads(element: KVElement, dimension: Int) throws {
    let test = try AttentionCase(tokens: 40, rows: 1, dimension: dimension, element: element)
    var exact = try AttentionCase(tokens: 40, rows: 1, dimension: dimension)
    let tolerance: Float = element == .f32 ? 0 : element == .f16 ? 0x1p-11 : 0x1p-8
    // Of the largest number; the 4 bits end one step before it, and errors of rotated keys add up.
    let step: Float = element == .q8_0 ? 1 / 225 : element == .q4_0 ? 1 / 7.9 : 0
    let keyStep = element == .q4_0 ? 1 / 3 : step
    for head in 0..<2 {
      for token in 0..<40 {
        for (stored, numbers, step) in [
          (test.keys[head][token], exact.keys[head][token], keyStep),
          (test.values[head][token], exact.values[head][token], step),
        ] {
          let largest = numbers.map(abs).max()!
          for (stored, number) in zip(stored, numbers) {
            let limit = step > 0 ? step * largest : tolerance * max(abs(number), 0x1p-14)
            #expect(abs(stored - number) <= limit)
          }
        }
        #expect(
          test.store.arena.position(slot: test.slot(head: head, token: token), token: token % 32)
            == token)
      }
    }
    _ = exact.floats(1)
  }

  /// One component is large in all keys; it would coarsen the 31 that share its scale.
  @Test(arguments: [64, 80, 128]) func aLargeComponentDoesNotCoarsenKeysInFourBits(dimension: Int) {
    let arena = KVArena(
      geometry: KVGeometry(
        layerCount: 1, headCount: 1, headDimension: dimension, key: .q4_0, value: .q4_0),
      blockCount: 1)
    var random = RandomSource(seed: 5)
    var (errors, count) = (0.0, 0.0)
    for token in 0..<32 {
      var key = (0..<dimension).map { _ in Float(random.nextUnit() * 2 - 1) }
      key[3] = 30
      arena.store(slot: 0, token: token, key: key, value: key, position: 0)
      for (stored, exact) in zip(arena.key(slot: 0, token: token), key).dropFirst(4).prefix(12) {
        errors += Double((stored - exact) * (stored - exact))
        count += 1
      }
    }
    // Steps of 30 / 8 make all of them 0, an error of 0.58; the rotation divides the step by up to 8.
    #expect((errors / count).squareRoot() < (dimension == 80 ? 0.4 : 0.3))
  }

  @Test func halfFormatsSaturate() throws {
    for element in [KVElement.f16, .bf16] {
      let arena = KVArena(
        geometry: KVGeometry(
          layerCount: 1, headCount: 1, headDimension: 4, key: element, value: element),
        blockCount: 1)
      let extreme: [Float] = [.infinity, -3.4e38, .nan, 1e-30]
      arena.store(slot: 0, token: 5, key: extreme, value: extreme, position: 0)
      let key = arena.key(slot: 0, token: 5)
      #expect(key[0].isFinite && key[1].isFinite && key[2].isNaN)
      #expect(key[0] >= 65504 && key[1] <= -65504)
      #expect(arena.value(slot: 0, token: 5)[0] == key[0])
    }
  }

  @Test func copiesBlocks() throws {
    let test = try AttentionCase(tokens: 32, rows: 1)
    let target = PageID(test.pages[0] == 0 ? 1 : 0)
    test.store.copy(block: test.pages[0], to: target)
    for head in 0..<2 {
      let slot = test.store.arena.slot(block: target, layer: AttentionCase.layer, head: head)
      for token in 0..<32 {
        #expect(test.store.arena.key(slot: slot, token: token) == test.keys[head][token])
        #expect(test.store.arena.value(slot: slot, token: token) == test.values[head][token])
        #expect(test.store.arena.position(slot: slot, token: token) == token)
      }
    }
  }

  @Test func knowsPages() throws {
    let test = try AttentionCase(tokens: 64, rows: 4, kvHeads: 1, group: 4)
    let slot = test.slot(head: 0, token: 0)
    test.store.pageCompleted(test.pages[0])
    #expect(test.store.metadata(slot: slot) == nil, "nothing was asked for")
    test.store.needs = [.keyBounds, .meanKey]
    test.store.pageCompleted(test.pages[0])
    test.store.pageCompleted(test.pages[1], tokenCount: 7)
    for (page, count) in [(0, 32), (1, 7)] {
      let metadata = try #require(
        test.store.metadata(slot: test.slot(head: 0, token: page * 32)))
      let keys = Array(test.keys[0][page * 32..<page * 32 + count])
      for d in 0..<16 {
        #expect(metadata.minimum[d] == keys.map { $0[d] }.min())
        #expect(metadata.maximum[d] == keys.map { $0[d] }.max())
        #expect(abs(metadata.mean[d] - keys.map { $0[d] }.reduce(0, +) / Float(count)) < 1e-6)
      }
      for head in 0..<4 {
        let q = Array(test.queries.row(head)[0..<16])
        let bound = metadata.upperBound(query: q)
        for key in keys {
          #expect(zip(q, key).reduce(0) { $0 + $1.0 * $1.1 } <= bound + 1e-5)
        }
      }
    }
    test.store.pageFreed(test.pages[0])
    #expect(test.store.metadata(slot: slot) == nil)
    #expect(test.store.metadata(slot: test.slot(head: 0, token: 32)) != nil)
  }

  /// A key that is moved attends as if it had been stored there.
  @Test(arguments: [false, true], KVElement.allCases)
  func relocates(interleaved: Bool, element: KVElement) throws {
    let frequencies = (0..<8).map { pow(10000, -Double($0) / 8) }
    let rotation = KeyRotation(frequencies: frequencies, interleaved: interleaved)
    let arena = KVArena(
      geometry: KVGeometry(
        layerCount: 1, headCount: 1, headDimension: 24, key: element, value: element),
      blockCount: 2)
    let store = KVStore(geometry: arena.geometry, blockCount: 2)
    var random = RandomSource(seed: 3)
    let keys = (0..<32).map { _ in (0..<24).map { _ in Float(random.nextUnit() * 2 - 1) } }
    for shift in [1, -7, 1000, 100_000] as [Int32] {
      let start: Int32 = 50
      for (token, key) in keys.enumerated() {
        let position = start + Int32(token)
        store.arena.store(
          slot: 0, token: token, key: rotation.rotate(key, by: Double(position)), value: key,
          position: position)
        store.arena.store(
          slot: 1, token: token, key: rotation.rotate(key, by: Double(position + shift)),
          value: key, position: position + shift)
      }
      store.relocate(slot: 0, tokenCount: 20, by: shift, rotation: rotation)
      let tolerances: [KVElement: Float] = [
        .f32: 1e-6, .f16: 2e-3, .bf16: 2e-2, .q8_0: 4e-2, .q4_0: 0.5,
      ]
      let tolerance = tolerances[element]!
      for token in 0..<20 {
        let (moved, direct) = (
          store.arena.key(slot: 0, token: token), store.arena.key(slot: 1, token: token)
        )
        #expect(largestDifference(moved, direct) < tolerance)
        if element != .q8_0, element != .q4_0 {
          #expect(moved[16...] == direct[16...], "components without rotation stay")
        }
        #expect(
          store.arena.position(slot: 0, token: token)
            == store.arena.position(slot: 1, token: token))
        #expect(
          store.arena.value(slot: 0, token: token) == store.arena.value(slot: 1, token: token))
      }
      #expect(store.arena.position(slot: 0, token: 20) == start + 20, "beyond the count")
    }
  }
}
