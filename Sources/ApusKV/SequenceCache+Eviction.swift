import ApusCompute
import ApusCore

/// What a sequence keeps, and how: the outcome of a policy for all layers and heads.
public struct KVEviction: Sendable {
  /// Ascending indices into the tokens that each head holds, [layers * heads].
  public let retained: [[Int]]
  public let evicted: KVEvicted
  public let positions: KVPositions
  /// The rotation of the keys of each layer, for those that move; nil for a layer whose keys have none.
  public let rotations: [KeyRotation?]

  public init(
    retained: [[Int]], evicted: KVEvicted = .forgotten, positions: KVPositions = .original,
    rotations: [KeyRotation?] = []
  ) {
    self.retained = retained
    self.evicted = evicted
    self.positions = positions
    self.rotations = rotations
  }
}

extension KVEviction {
  /// For how many keys each head of a layer takes pages, [layers * heads], when it held `count` of them.
  public func pagedCounts(of count: Int, geometry: KVGeometry) -> [Int] {
    switch evicted {
    case .forgotten, .merged: retained.map(\.count)
    case .averaged: retained.map { $0.count + 1 }
    case .acrossLayers(let start, let share):
      (0..<geometry.slotsPerBlock).map { index in
        let first = Int(start * Double(geometry.layerCount))
        return Self.sharesWithLower(index / geometry.headCount, from: first)
          ? count - Self.sharedCount(count, retained: share) : count
      }
    }
  }

  /// Whether a layer shares pages with the one below.
  static func sharesWithLower(_ layer: Int, from first: Int) -> Bool {
    layer > first && (layer - first) % 2 == 1
  }

  /// Keys in the pages that two layers share.
  static func sharedCount(_ count: Int, retained share: Double) -> Int {
    let wanted = count - Int((share * Double(count)).rounded(.up))
    return wanted / KVGeometry.pageSize * KVGeometry.pageSize
  }
}

extension SequenceCache {
  /// Copies what is kept of `count` tokens out of the pages of a sequence, which may be shared and are not changed.
  public func fill(from pages: [PageID], count: Int, _ eviction: KVEviction) {
    evict(eviction) { layer, head in
      Source(count: count, tokens: (0..<Int32(count)).map { $0 }) { index in
        let block = pages[index / KVGeometry.pageSize]
        return (
          self.store.arena.slot(block: block, layer: layer, head: head),
          index % KVGeometry.pageSize
        )
      }
    }
  }

  /// Cuts the heads back to what is kept, in place.
  public func evict(_ eviction: KVEviction) {
    evict(eviction) { layer, head in
      let state = self.heads[layer * self.geometry.headCount + head]
      // The slots are given up one behind the other while they are read.
      let slots = self.views[layer, head].slots
      return Source(count: state.tokens.count, tokens: state.tokens) { index in
        let at = index + state.leading
        return (Int(slots[at / KVGeometry.pageSize]), at % KVGeometry.pageSize)
      }
    }
  }

  /// Where the keys of a head come from.
  struct Source {
    let count: Int
    let tokens: [Int32]
    /// The slot of a key, and its place there.
    let place: (Int) -> (slot: Int, token: Int)
  }

  private func evict(_ eviction: KVEviction, from source: (Int, Int) -> Source) {
    if case .acrossLayers(let start, let retained) = eviction.evicted {
      mergeLayers(from: Int(start * Double(geometry.layerCount)), retained: retained, source)
      return
    }
    for layer in 0..<geometry.layerCount {
      for head in 0..<geometry.headCount {
        let source = source(layer, head)
        let kept = eviction.retained[layer * geometry.headCount + head]
        let lost = source.lost(kept)
        let combined = combine(lost, into: kept, source, eviction.evicted, layer, head)
        move(kept, source, layer, head)
        write(combined, layer, head)
        if eviction.positions == .compact, let rotation = eviction.rotations[layer] {
          close(layer, head, rotation)
        }
      }
    }
  }

  /// Brings the keys `kept` to the front of the head's slots.
  func move(_ kept: [Int], _ source: Source, _ layer: Int, _ head: Int) {
    let index = layer * geometry.headCount + head
    let leading = heads[index].leading
    if views[layer, head].slots.count < KVGeometry.pageCount(leading + kept.count) {
      reserve(leading + kept.count, layer, head)
    }
    for (target, key) in kept.enumerated() {
      let (from, to) = (source.place(key), place(leading + target, layer, head))
      guard from != to else { continue }
      store.arena.copy(slot: from.slot, token: from.token, to: to.slot, token: to.token)
    }
    heads[index].tokens = kept.map { source.tokens[$0] }
    views[layer, head].firstIndex = leading + kept.count
    reserve(leading + kept.count, layer, head)
  }

  /// Moves what is kept up to the newest key, without gaps in the rotary positions (StreamingLLM, arXiv:2309.17453).
  private func close(_ layer: Int, _ head: Int, _ rotation: KeyRotation) {
    let index = layer * geometry.headCount + head
    let state = heads[index]
    let count = state.tokens.count
    guard count > 0 else { return }
    let newest = place(state.leading + count - 1, layer, head)
    let last = store.arena.position(slot: newest.slot, token: newest.token)
    var anchors: [HeadCache.Anchor] = []
    for key in 0..<count {
      let (slot, token) = place(state.leading + key, layer, head)
      let (old, new) = (
        store.arena.position(slot: slot, token: token), last - Int32(count - 1 - key)
      )
      let known = state.anchors.first { $0.token == state.tokens[key] }
      guard old != new else {
        if let known { anchors.append(known) }
        continue
      }
      let anchor =
        known
        ?? HeadCache.Anchor(
          token: state.tokens[key], position: old, key: store.arena.key(slot: slot, token: token))
      store.arena.setKey(
        slot: slot, token: token,
        rotation.rotate(anchor.key, by: Double(new - anchor.position)), position: new)
      // Of keys that stay for long only; others move a few times.
      if key < Self.anchorCount { anchors.append(anchor) }
    }
    heads[index].anchors = anchors
  }

  /// So many first keys of a head are turned from what they were at first.
  private static let anchorCount = 64
}

extension SequenceCache.Source {
  /// The keys that are not kept.
  func lost(_ kept: [Int]) -> [Int] {
    var next = 0
    return (0..<count).filter { index in
      if next < kept.count, kept[next] == index {
        next += 1
        return false
      }
      return true
    }
  }
}
