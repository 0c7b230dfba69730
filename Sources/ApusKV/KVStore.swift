import ApusCompute
import ApusCore

/// The bytes of all KV pages, what is known about them, and the operations between steps.
public final class KVStore {
  public let arena: KVArena
  /// Which facts about finished pages are kept.
  public var needs: PageFacts
  private var metadata: [Int: PageMetadata] = [:]

  public init(geometry: KVGeometry, blockCount: Int, needs: PageFacts = []) {
    arena = KVArena(geometry: geometry, blockCount: blockCount)
    self.needs = needs
  }

  public var geometry: KVGeometry { arena.geometry }

  /// Notes what `needs` asks about a block whose first `tokenCount` tokens are written.
  public func pageCompleted(_ block: PageID, tokenCount: Int = KVGeometry.pageSize) {
    guard !needs.isEmpty else { return }
    for layer in 0..<geometry.layerCount {
      for head in 0..<geometry.headCount {
        let slot = arena.slot(block: block, layer: layer, head: head)
        metadata[slot] = PageMetadata(
          summarizing: (0..<tokenCount).map { arena.key(slot: slot, token: $0) }, facts: needs)
      }
    }
  }

  /// What is known about a slot; nil when nothing was asked for or the page is not finished.
  public func metadata(slot: Int) -> PageMetadata? { metadata[slot] }

  /// Forgets what is known about the slots of a freed block.
  public func pageFreed(_ block: PageID) {
    guard !metadata.isEmpty else { return }
    let first = arena.slot(block: block, layer: 0, head: 0)
    for slot in first..<first + geometry.slotsPerBlock { metadata[slot] = nil }
  }

  /// Copies all slots of a block (copy-on-write of a shared page).
  public func copy(block source: PageID, to target: PageID) {
    for index in 0..<geometry.slotsPerBlock {
      arena.copy(
        slot: Int(source) * geometry.slotsPerBlock + index,
        to: Int(target) * geometry.slotsPerBlock + index)
    }
  }

  /// Copies the key, value and position of the sequence's token `source` over those of token `target`, in all layers
  /// and heads.
  ///
  /// The accepted branch of a draft tree is brought to consecutive indices this way; the numbers stay the same bits.
  public func copy(token source: Int, to target: Int, pages: [PageID]) {
    let size = KVGeometry.pageSize
    for layer in 0..<geometry.layerCount {
      for head in 0..<geometry.headCount {
        let from = arena.slot(block: pages[source / size], layer: layer, head: head)
        arena.copy(
          slot: from, token: source % size,
          to: arena.slot(block: pages[target / size], layer: layer, head: head),
          token: target % size)
      }
    }
  }

  /// Rotates the first `tokenCount` keys of a slot to new positions, `shift` further.
  ///
  /// A rotation by the difference of the positions takes a key from where it was stored to where it is wanted; the
  /// result differs from a key stored there only by the rounding of the format.
  public func relocate(
    slot: Int, tokenCount: Int = KVGeometry.pageSize, by shift: Int32, rotation: KeyRotation
  ) {
    guard shift != 0 else { return }
    for token in 0..<tokenCount {
      let position = arena.position(slot: slot, token: token) + shift
      let key = rotation.rotate(arena.key(slot: slot, token: token), by: Double(shift))
      arena.setKey(slot: slot, token: token, key, position: position)
    }
  }
}

/// The rotary embedding as a pure rotation, for relocating stored keys.
public struct KeyRotation: Sendable {
  /// Radians a position, one a pair of components.
  public let frequencies: [Double]
  public let interleaved: Bool

  public init(frequencies: [Double], interleaved: Bool) {
    self.frequencies = frequencies
    self.interleaved = interleaved
  }

  /// The key turned by the angles of `positions` positions.
  public func rotate(_ key: [Float], by positions: Double) -> [Float] {
    var result = key
    let half = frequencies.count
    for (i, frequency) in frequencies.enumerated() {
      let (first, second) = interleaved ? (2 * i, 2 * i + 1) : (i, i + half)
      let (sine, cosine) = sineAndCosine(positions * frequency)
      let (a, b) = (Double(key[first]), Double(key[second]))
      result[first] = Float(a * cosine - b * sine)
      result[second] = Float(a * sine + b * cosine)
    }
    return result
  }
}
