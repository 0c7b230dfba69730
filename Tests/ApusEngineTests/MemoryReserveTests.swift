import ApusCompute
import ApusEngine
import Testing

@Suite struct MemoryReserveTests {
  private func arena(_ blockCount: Int) -> KVArena {
    KVArena(
      geometry: KVGeometry(
        layerCount: 64, headCount: 8, headDimension: 128, key: .f16, value: .f16),
      blockCount: blockCount)
  }

  @Test func fillsNoMoreThanItsSize() {
    let arena = arena(64)
    let most = MemoryReserve.byteCount / arena.geometry.blockByteCount
    #expect((1..<32).contains(most))
    var reserve = MemoryReserve(arena)
    reserve.fill(beyond: 0) { true }
    #expect(reserve.blockCount == most)
    reserve.fill(beyond: 3) { true }
    #expect(reserve.blockCount == most + 3)
    reserve.fill(beyond: 60) { true }
    #expect(reserve.blockCount == 64)
  }

  @Test func stopsWhenSomethingElseIsToDo() {
    var reserve = MemoryReserve(arena(8))
    var rounds = 0
    reserve.fill(beyond: 1) {
      rounds += 1
      return rounds <= 2
    }
    #expect(reserve.blockCount == 3)
  }

  @Test func leavesUsedBlocksAlone() {
    let arena = arena(3)
    let key = (0..<128).map { Float($0) }
    arena.store(
      slot: arena.slot(block: 1, layer: 0, head: 0), token: 0, key: key, value: key, position: 7)
    var reserve = MemoryReserve(arena)
    reserve.fill(beyond: 2) { true }
    #expect(arena.key(slot: arena.slot(block: 1, layer: 0, head: 0), token: 0) == key)
    #expect(arena.position(slot: arena.slot(block: 1, layer: 0, head: 0), token: 0) == 7)
  }
}
