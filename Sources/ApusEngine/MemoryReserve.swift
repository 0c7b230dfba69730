import ApusCompute
import ApusCore

/// Memory for keys and values that the system hands out before requests need it.
///
/// It does so when memory is first written, and a step that is the first to write waits: 0.3 ms for 2 MiB, and 7 ms in
/// a virtual machine whose host has taken unused memory back.
package struct MemoryReserve {
  private let arena: KVArena
  /// Blocks beside those that have been used already.
  private let size: Int
  /// Blocks below this one are there.
  package private(set) var blockCount = 0

  package init(_ arena: KVArena, byteCount: Int = 256 << 20) {
    self.arena = arena
    size = byteCount / arena.geometry.blockByteCount
  }

  /// Fills the reserve as long as nothing else is to do; blocks from `used` on hold nothing.
  package mutating func fill(beyond used: Int, while isIdle: () -> Bool) {
    blockCount = max(blockCount, used)
    while blockCount < min(used + size, arena.blockCount), isIdle() {
      arena.touch(block: PageID(blockCount))
      blockCount += 1
    }
  }
}
