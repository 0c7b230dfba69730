import ApusCore
import Foundation

/// Room beside the arena for copies of blocks: memory, or a file that is gone when the space is.
///
/// Each copy has a checksum: one that was damaged is not loaded. Used by one thread at a time, which need not be the
/// arena's: nobody may write or free a block while it is copied.
public final class SwapSpace {
  public let slotCount: Int
  private let arena: KVArena
  private let medium: any SwapMedium
  private var sums: [UInt64?]

  /// With a directory, the copies are in a file there; throws `FileError.cannotWrite`.
  public init(arena: KVArena, slotCount: Int, directory: String? = nil) throws {
    self.arena = arena
    self.slotCount = slotCount
    let size = arena.geometry.blockByteCount
    medium =
      try directory.map { try SwapFile(directory: $0, slotByteCount: size) }
      ?? SwapMemory(slotCount: slotCount, slotByteCount: size)
    sums = Array(repeating: nil, count: slotCount)
  }

  /// The file's path; nil in memory.
  package var path: String? { (medium as? SwapFile)?.path }

  /// Copies a block to a slot; false when there was no room.
  public func store(_ block: PageID, to slot: SwapSlot) -> Bool {
    let bytes = arena.bytes(of: block)
    sums[Int(slot)] = nil
    guard medium.write(UnsafeRawBufferPointer(bytes), slot: Int(slot)) else { return false }
    sums[Int(slot)] = Checksum.of(UnsafeRawBufferPointer(bytes))
    return true
  }

  /// Copies a slot to a block; false, and the block holds anything, when it is not what was stored.
  public func load(_ slot: SwapSlot, to block: PageID) -> Bool {
    let bytes = arena.bytes(of: block)
    guard let sum = sums[Int(slot)], medium.read(bytes, slot: Int(slot)) else { return false }
    return Checksum.of(UnsafeRawBufferPointer(bytes)) == sum
  }
}

extension KVArena {
  func bytes(of block: PageID) -> UnsafeMutableRawBufferPointer {
    precondition(block >= 0 && block < blockCount, "block outside of the arena")
    return UnsafeMutableRawBufferPointer(
      start: storage.base + Int(block) * geometry.blockByteCount, count: geometry.blockByteCount)
  }
}

private protocol SwapMedium {
  func write(_ bytes: UnsafeRawBufferPointer, slot: Int) -> Bool
  func read(_ bytes: UnsafeMutableRawBufferPointer, slot: Int) -> Bool
}

private final class SwapMemory: SwapMedium {
  private let storage: Buffer<UInt8>
  private let slotByteCount: Int

  init(slotCount: Int, slotByteCount: Int) {
    storage = Buffer(count: slotCount * slotByteCount)
    self.slotByteCount = slotByteCount
  }

  func write(_ bytes: UnsafeRawBufferPointer, slot: Int) -> Bool {
    UnsafeMutableRawPointer(storage.base + slot * slotByteCount)
      .copyMemory(from: bytes.baseAddress!, byteCount: slotByteCount)
    return true
  }

  func read(_ bytes: UnsafeMutableRawBufferPointer, slot: Int) -> Bool {
    bytes.baseAddress!.copyMemory(
      from: storage.base + slot * slotByteCount, byteCount: slotByteCount)
    return true
  }
}

private final class SwapFile: SwapMedium {
  let path: String
  private let descriptor: Int32
  private let slotByteCount: Int

  init(directory: String, slotByteCount: Int) throws {
    path = "\(directory)/apus-swap-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    self.slotByteCount = slotByteCount
    descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw FileError.cannotWrite(path: path, reason: String(cString: strerror(errno)))
    }
  }

  deinit {
    close(descriptor)
    unlink(path)
  }

  func write(_ bytes: UnsafeRawBufferPointer, slot: Int) -> Bool {
    moveAll(bytes.count) { done in
      pwrite(
        descriptor, bytes.baseAddress! + done, bytes.count - done,
        off_t(slot * slotByteCount + done))
    }
  }

  func read(_ bytes: UnsafeMutableRawBufferPointer, slot: Int) -> Bool {
    moveAll(bytes.count) { done in
      pread(
        descriptor, bytes.baseAddress! + done, bytes.count - done,
        off_t(slot * slotByteCount + done))
    }
  }

  /// Calls `move` with the bytes done so far until all are; false when it does none.
  private func moveAll(_ count: Int, _ move: (Int) -> Int) -> Bool {
    var done = 0
    while done < count {
      let moved = move(done)
      if moved < 0, errno == EINTR { continue }
      guard moved > 0 else { return false }
      done += moved
    }
    return true
  }
}
