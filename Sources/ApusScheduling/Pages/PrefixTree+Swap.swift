import ApusCore

// Copies in the swap space.
extension PrefixTree {
  /// Up to `limit` whole pages without a copy, the longest unused first, each with a slot for it; they are used until
  /// `stored` is told.
  mutating func beginStores(limit: Int) -> [(node: NodeID, page: PageID, slot: SwapSlot)] {
    var found: [(node: NodeID, page: PageID, slot: SwapSlot)] = []
    var node = unused.oldest
    while found.count < limit, node != Self.none {
      let newer = nodes[Int(node)].newer
      if nodes[Int(node)].slot < 0, nodes[Int(node)].tokens.count == pageSize {
        guard let slot = takeSlot() else { break }
        useAll(through: node)
        nodes[Int(node)].slot = slot
        found.append((node, nodes[Int(node)].page, slot))
      }
      node = newer
    }
    return found
  }

  /// Ends the use of a node whose copy was written or, if not, could not be.
  mutating func stored(_ node: NodeID, isWritten: Bool) {
    if !isWritten { freeSlot(of: node) }
    // They were among the oldest before, and a leaf is older than what it follows.
    var path: [NodeID] = []
    var next = node
    while next != Self.none {
      path.append(next)
      next = nodes[Int(next)].parent
    }
    for node in path.reversed() { release(node, asOldest: true) }
  }

  /// Fills `page` from the node's copy; the node is used until `loaded` is told.
  mutating func beginLoad(_ node: NodeID, into page: PageID) -> SwapSlot {
    restore(node, page: page)
    useAll(through: nodes[Int(node)].parent)
    nodes[Int(node)].isLoading = true
    return nodes[Int(node)].slot
  }

  /// Ends the loading of a node; of one that failed, all that follows is forgotten and the page is returned.
  mutating func loaded(_ node: NodeID, isRead: Bool) -> PageID? {
    nodes[Int(node)].isLoading = false
    guard !isRead else {
      releaseAll(through: node)
      return nil
    }
    let (page, parent) = (nodes[Int(node)].page, nodes[Int(node)].parent)
    drop(node)
    releaseAll(through: parent)
    return page
  }

  /// A free slot, if need be that of the copy that was used longest ago and has no page.
  private mutating func takeSlot() -> SwapSlot? {
    if freeSlots.isEmpty {
      var node = swapped.oldest
      while node != Self.none, !nodes[Int(node)].children.isEmpty { node = nodes[Int(node)].newer }
      guard node != Self.none else { return nil }
      unlink(node, from: \.swapped)
      drop(node)
    }
    return freeSlots.popLast()
  }

  mutating func freeSlot(of node: NodeID) {
    guard nodes[Int(node)].slot >= 0 else { return }
    freeSlots.append(nodes[Int(node)].slot)
    nodes[Int(node)].slot = -1
  }
}
