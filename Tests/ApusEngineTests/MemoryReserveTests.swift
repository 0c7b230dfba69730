import ApusCompute
import ApusEngine
import Testing

@Suite struct MemoryReserveTests {
  private func arena(_ blockCount: Int) -> KVArena {
    KVArena(
      geometry: KVGeometry(
        layerCount: 2, headCount: 2, headDimension: 64, key: .f16, value: .f16),
      blockCount: blockCount)
  }

  private func reserve(_ arena: KVArena, blocks: Int) -> MemoryReserve {
    MemoryReserve(arena, byteCount: blocks * arena.geometry.blockByteCount)
  }

  @Test func fillsNoMoreThanItsSize() {
    var reserve = reserve(arena(8), blocks: 3)
    reserve.fill(beyond: 0) { true }
    #expect(reserve.blockCount == 3)
    reserve.fill(beyond: 2) { true }
    #expect(reserve.blockCount == 5)
    reserve.fill(beyond: 1) { true }
    #expect(reserve.blockCount == 5)
    reserve.fill(beyond: 7) { true }
    #expect(reserve.blockCount == 8)
  }

  @Test func stopsWhenSomethingElseIsToDo() {
    var reserve = reserve(arena(8), blocks: 8)
    var rounds = 0
    reserve.fill(beyond: 1) {
      rounds += 1
      return rounds <= 2
    }
    #expect(reserve.blockCount == 3)
  }

  @Test func leavesUsedBlocksAlone() {
    let arena = arena(3)
    let key = (0..<64).map { Float($0) }
    let slot = arena.slot(block: 1, layer: 1, head: 1)
    arena.store(slot: slot, token: 31, key: key, value: key, position: 7)
    var reserve = reserve(arena, blocks: 3)
    reserve.fill(beyond: 2) { true }
    #expect(reserve.blockCount == 3)
    #expect(arena.key(slot: slot, token: 31) == key)
    #expect(arena.value(slot: slot, token: 31) == key)
    #expect(arena.position(slot: slot, token: 31) == 7)
  }
}
