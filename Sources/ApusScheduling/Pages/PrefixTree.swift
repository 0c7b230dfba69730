import ApusCore

/// Pages by the text they hold: whatever begins alike reads the same pages.
///
/// A node is one page of one text; its ancestors hold the text before it. Nodes that no sequence uses keep their pages
/// until somebody needs the room; the longest unused leaf goes first. If it has been copied to the swap space it stays in
/// the tree without its page, and the copy can be loaded again. Texts under different salts never meet.
public struct PrefixTree: Sendable {
  public typealias NodeID = Int32
  typealias ListPath = WritableKeyPath<PrefixTree, List>
  public static let none: NodeID = -1

  struct Node: Sendable {
    /// Those of its page; fewer than a page only in a leaf.
    var tokens: [TokenID]
    /// -1 where only the copy is left.
    var page: PageID
    /// Where its copy is in the swap space; -1 without one.
    var slot: SwapSlot = -1
    /// Its page is being filled from its copy.
    var isLoading = false
    var parent: NodeID
    /// In the order of their tokens.
    var children: [NodeID] = []
    /// Sequences that read the page, and transfers of it.
    var users: Int32 = 0
    // Its neighbours among the unused or the swapped.
    var older = PrefixTree.none
    var newer = PrefixTree.none

    var isReady: Bool { page >= 0 && !isLoading }
  }

  /// Nodes in the order in which they were used last.
  struct List: Sendable {
    var oldest = PrefixTree.none
    var newest = PrefixTree.none
    var count = 0
  }

  let pageSize: Int
  var nodes: [Node] = []
  private var vacant: [NodeID] = []
  private var roots: [String: NodeID] = [:]
  private var salts: [NodeID: String] = [:]
  /// Those with a page, and those with a copy only.
  var unused = List()
  var swapped = List()
  /// Pages with more than one user.
  private(set) var sharedCount = 0
  var freeSlots: [SwapSlot]

  /// Pages that could be given back, one after the other.
  public var unusedCount: Int { unused.count }

  public init(pageSize: Int, swapSlotCount: Int = 0) {
    self.pageSize = pageSize
    freeSlots = (0..<SwapSlot(swapSlotCount)).reversed()
  }

  /// Where the texts of a salt begin; the caller uses the node until it releases it.
  mutating func useRoot(salt: String) -> NodeID {
    if let root = roots[salt] {
      nodes[Int(root)].users += 1
      return root
    }
    let root = make(Node(tokens: [], page: -1, parent: Self.none, users: 1))
    roots[salt] = root
    salts[root] = salt
    return root
  }

  func page(_ node: NodeID) -> PageID { nodes[Int(node)].page }
  func isReady(_ node: NodeID) -> Bool { nodes[Int(node)].isReady }
  func isLoading(_ node: NodeID) -> Bool { nodes[Int(node)].isLoading }

  /// The page that continues the text of `node` with exactly these tokens.
  func child(of node: NodeID, tokens: ArraySlice<TokenID>) -> NodeID? {
    let index = position(of: tokens, under: node)
    let children = nodes[Int(node)].children
    guard index < children.count, nodes[Int(children[index])].tokens[...] == tokens else {
      return nil
    }
    return children[index]
  }

  /// The page that agrees with the longest beginning of these tokens, and how many; nil where none does.
  func longestMatch(of node: NodeID, tokens: ArraySlice<TokenID>) -> (node: NodeID, count: Int)? {
    // Children are in order, so the best is next to where the tokens would stand.
    let index = position(of: tokens, under: node)
    let children = nodes[Int(node)].children
    var best: (node: NodeID, count: Int)?
    for candidate in [index - 1, index] where children.indices.contains(candidate) {
      let child = children[candidate]
      guard nodes[Int(child)].isReady else { continue }
      var count = 0
      for (a, b) in zip(nodes[Int(child)].tokens, tokens) {
        guard a == b else { break }
        count += 1
      }
      if count > (best?.count ?? 0) { best = (child, count) }
    }
    return best
  }

  /// How many of the tokens stand in the tree under the salt, in whole pages, and how many of these nobody uses.
  func match(_ tokens: [TokenID], salt: String) -> (tokens: Int, unusedPages: Int) {
    guard var node = roots[salt] else { return (0, 0) }
    var (count, unused) = (0, 0)
    while count + pageSize < tokens.count,
      let next = child(of: node, tokens: tokens[count..<count + pageSize]), isReady(next)
    {
      node = next
      count += pageSize
      if nodes[Int(node)].users == 0 { unused += 1 }
    }
    return (count, unused)
  }

  /// Adds a page that is not there yet and whose parent is in use; the caller uses it.
  mutating func insert(_ tokens: ArraySlice<TokenID>, page: PageID, under parent: NodeID) -> NodeID
  {
    let index = position(of: tokens, under: parent)
    let node = make(Node(tokens: Array(tokens), page: page, parent: parent, users: 1))
    nodes[Int(parent)].children.insert(node, at: index)
    return node
  }

  /// Gives a page to a node that has only its copy; the caller uses it.
  mutating func restore(_ node: NodeID, page: PageID) {
    unlink(node, from: \.swapped)
    nodes[Int(node)].page = page
    nodes[Int(node)].users = 1
  }

  mutating func use(_ node: NodeID) {
    if nodes[Int(node)].users == 0, nodes[Int(node)].page >= 0 { unlink(node, from: \.unused) }
    nodes[Int(node)].users += 1
    if nodes[Int(node)].users == 2, nodes[Int(node)].page >= 0 { sharedCount += 1 }
  }

  /// Uses a node and all before it: what is used is never without what it follows.
  mutating func useAll(through node: NodeID) {
    var node = node
    while node != Self.none {
      use(node)
      node = nodes[Int(node)].parent
    }
  }

  mutating func release(_ node: NodeID, asOldest: Bool = false) {
    nodes[Int(node)].users -= 1
    precondition(nodes[Int(node)].users >= 0, "a page of the tree was released twice")
    if nodes[Int(node)].users == 1, nodes[Int(node)].page >= 0 { sharedCount -= 1 }
    guard nodes[Int(node)].users == 0 else { return }
    if nodes[Int(node)].page >= 0 {
      link(node, to: \.unused, asOldest: asOldest)
    } else {
      removeRootIfEmpty(node)
    }
  }

  /// Ends a sequence's use of a node and of all before it, the last first: so leaves are the older.
  mutating func releaseAll(through node: NodeID) {
    var node = node
    while node != Self.none {
      let parent = nodes[Int(node)].parent
      release(node)
      node = parent
    }
  }

  /// Takes the page of the node that has gone unused for longest; nil when all are used.
  mutating func evict() -> PageID? {
    var node = unused.oldest
    while node != Self.none, hasPageBelow(node) { node = nodes[Int(node)].newer }
    guard node != Self.none else { return nil }
    let page = nodes[Int(node)].page
    unlink(node, from: \.unused)
    if nodes[Int(node)].slot >= 0 {
      nodes[Int(node)].page = -1
      link(node, to: \.swapped)
    } else {
      drop(node)
    }
    return page
  }

  /// Removes an unused leaf that a longer text of the same beginning replaces.
  mutating func removeUnused(_ node: NodeID) -> PageID? {
    guard nodes[Int(node)].users == 0, nodes[Int(node)].children.isEmpty else { return nil }
    let page = nodes[Int(node)].page
    unlink(node, from: \.unused)
    drop(node)
    return page
  }

  func tokenCount(_ node: NodeID) -> Int { nodes[Int(node)].tokens.count }
}

extension PrefixTree {
  private func hasPageBelow(_ node: NodeID) -> Bool {
    nodes[Int(node)].children.contains { nodes[Int($0)].page >= 0 }
  }

  /// Removes a node that is in no list, and the copies that follow it.
  mutating func drop(_ node: NodeID) {
    for child in nodes[Int(node)].children {
      unlink(child, from: \.swapped)
      nodes[Int(child)].parent = Self.none
      drop(child)
    }
    freeSlot(of: node)
    let parent = nodes[Int(node)].parent
    nodes[Int(node)] = Node(tokens: [], page: -1, parent: Self.none)
    vacant.append(node)
    guard parent != Self.none else { return }
    nodes[Int(parent)].children.removeAll { $0 == node }
    if nodes[Int(parent)].page < 0 { removeRootIfEmpty(parent) }
  }

  private mutating func removeRootIfEmpty(_ root: NodeID) {
    guard nodes[Int(root)].children.isEmpty, nodes[Int(root)].users == 0,
      let salt = salts.removeValue(forKey: root)
    else { return }
    roots[salt] = nil
    vacant.append(root)
  }

  private mutating func make(_ node: Node) -> NodeID {
    if let id = vacant.popLast() {
      nodes[Int(id)] = node
      return id
    }
    nodes.append(node)
    return NodeID(nodes.count - 1)
  }

  /// The first child whose tokens do not come before these.
  private func position(of tokens: ArraySlice<TokenID>, under node: NodeID) -> Int {
    let children = nodes[Int(node)].children
    var (low, high) = (0, children.count)
    while low < high {
      let middle = (low + high) / 2
      if nodes[Int(children[middle])].tokens.lexicographicallyPrecedes(tokens) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }

  private mutating func link(_ node: NodeID, to list: ListPath, asOldest: Bool = false) {
    nodes[Int(node)].older = asOldest ? Self.none : self[keyPath: list].newest
    nodes[Int(node)].newer = asOldest ? self[keyPath: list].oldest : Self.none
    setNewer(of: nodes[Int(node)].older, node, list)
    setOlder(of: nodes[Int(node)].newer, node, list)
    self[keyPath: list].count += 1
  }

  mutating func unlink(_ node: NodeID, from list: ListPath) {
    let (older, newer) = (nodes[Int(node)].older, nodes[Int(node)].newer)
    setNewer(of: older, newer, list)
    setOlder(of: newer, older, list)
    self[keyPath: list].count -= 1
  }

  private mutating func setNewer(of node: NodeID, _ newer: NodeID, _ list: ListPath) {
    if node == Self.none {
      self[keyPath: list].oldest = newer
    } else {
      nodes[Int(node)].newer = newer
    }
  }

  private mutating func setOlder(of node: NodeID, _ older: NodeID, _ list: ListPath) {
    if node == Self.none {
      self[keyPath: list].newest = older
    } else {
      nodes[Int(node)].older = older
    }
  }
}
