import ApusCompute
import ApusCore
import Foundation
import Testing

@Suite(.serialized) struct SwapSpaceTests {
  private func arena() -> KVArena {
    KVArena(
      geometry: KVGeometry(
        layerCount: 2, headCount: 2, headDimension: 16, key: .f16, value: .f16), blockCount: 3)
  }

  private func fill(_ arena: KVArena, block: PageID, _ value: Float) {
    for slot in 0..<arena.geometry.slotsPerBlock {
      arena.store(
        slot: Int(block) * arena.geometry.slotsPerBlock + slot, token: slot,
        key: Array(repeating: value, count: 16), value: Array(repeating: -value, count: 16),
        position: Int32(slot))
    }
  }

  private func folder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  private func check(_ space: SwapSpace, _ arena: KVArena) {
    fill(arena, block: 0, 1)
    fill(arena, block: 1, 2)
    #expect(space.store(0, to: 1))
    #expect(space.store(1, to: 0))
    #expect(space.load(1, to: 2))
    #expect(arena.key(slot: 2 * 4 + 3, token: 3) == Array(repeating: 1, count: 16))
    #expect(arena.position(slot: 2 * 4 + 3, token: 3) == 3)
    #expect(space.load(0, to: 2))
    #expect(arena.value(slot: 2 * 4, token: 0) == Array(repeating: -2, count: 16))
    #expect(!space.load(2, to: 2), "nothing was stored there")
  }

  @Test func bringsBackWhatWasStored() throws {
    let arena = arena()
    check(try SwapSpace(arena: arena, slotCount: 3), arena)
    let folder = try folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    check(try SwapSpace(arena: arena, slotCount: 3, directory: folder.path), arena)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test func aDamagedFileIsNoticed() throws {
    let (arena, folder) = (arena(), try folder())
    defer { try? FileManager.default.removeItem(at: folder) }
    let space = try SwapSpace(arena: arena, slotCount: 3, directory: folder.path)
    for slot in 0..<3 {
      fill(arena, block: 0, Float(slot))
      #expect(space.store(0, to: SwapSlot(slot)))
    }
    let path = try #require(space.path)
    let file = try #require(FileHandle(forUpdatingAtPath: path))
    try file.seek(toOffset: UInt64(arena.geometry.blockByteCount + 7))
    try file.write(contentsOf: Data([0xff, 0x01]))
    try file.truncate(atOffset: UInt64(arena.geometry.blockByteCount * 5 / 2))
    try file.close()
    #expect(space.load(0, to: 1))
    #expect(!space.load(1, to: 1), "changed")
    #expect(!space.load(2, to: 1), "cut off")
    // A file that was removed is still there for who has it open.
    try FileManager.default.removeItem(atPath: path)
    #expect(space.load(0, to: 1))
  }

  @Test func aFolderThatCannotBeWrittenIsAnError() {
    #expect(throws: FileError.self) {
      try SwapSpace(arena: arena(), slotCount: 1, directory: "/proc/there-is-no-such-folder")
    }
  }
}
