import ApusCompute
import ApusCore

/// Memory for keys and values that the system hands out before requests need it.
///
/// It does so when memory is first written, and a step that is the first to write waits: 0.3 ms for 2 MiB, and 7 ms in
/// a virtual machine whose host has taken unused memory back.
package struct MemoryReserve {
  /// Bytes beside those that have been used already.
  package static let byteCount = 512 << 20

  private let arena: KVArena
  /// Blocks below this one are there.
  package private(set) var blockCount = 0

  package init(_ arena: KVArena) { self.arena = arena }

  /// Fills the reserve as long as nothing else is to do; blocks from `used` on hold nothing.
  package mutating func fill(beyond used: Int, while isIdle: () -> Bool) {
    let wanted = used + Self.byteCount / arena.geometry.blockByteCount
    blockCount = max(blockCount, used)
    while blockCount < min(wanted, arena.blockCount), isIdle() {
      arena.touch(block: PageID(blockCount))
      blockCount += 1
    }
  }
}
