import ApusCore

/// Pages by the text they hold: whatever begins alike reads the same pages.
///
/// A node is one page of one text; its ancestors hold the text before it. Nodes that no sequence uses keep their pages
/// until somebody needs the room; the longest unused leaf goes first. Texts under different salts never meet.
public struct PrefixTree: Sendable {
  public typealias NodeID = Int32
  public static let none: NodeID = -1

  private struct Node: Sendable {
    /// Those of its page; fewer than a page only in a leaf.
    var tokens: [TokenID]
    var page: PageID
    var parent: NodeID
    /// In the order of their tokens.
    var children: [NodeID] = []
    /// Sequences that read the page.
    var users: Int32 = 0
    // Its neighbours among the unused.
    var older = PrefixTree.none
    var newer = PrefixTree.none
  }

  private let pageSize: Int
  private var nodes: [Node] = []
  private var vacant: [NodeID] = []
  private var roots: [String: NodeID] = [:]
  private var salts: [NodeID: String] = [:]
  private var oldest = PrefixTree.none
  private var newest = PrefixTree.none
  /// Pages that could be given back, one after the other.
  public private(set) var unusedCount = 0
  public private(set) var pageCount = 0

  public init(pageSize: Int) { self.pageSize = pageSize }

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
  func parent(_ node: NodeID) -> NodeID { nodes[Int(node)].parent }

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
      let next = child(of: node, tokens: tokens[count..<count + pageSize])
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
    pageCount += 1
    return node
  }

  mutating func use(_ node: NodeID) {
    if nodes[Int(node)].users == 0 { unlink(node) }
    nodes[Int(node)].users += 1
  }

  mutating func release(_ node: NodeID) {
    nodes[Int(node)].users -= 1
    precondition(nodes[Int(node)].users >= 0, "a page of the tree was released twice")
    guard nodes[Int(node)].users == 0 else { return }
    if nodes[Int(node)].page >= 0 { link(node) } else { removeRootIfEmpty(node) }
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

  /// Takes the page out of the tree that has gone unused for longest; nil when all are used.
  mutating func evict() -> PageID? {
    var node = oldest
    while node != Self.none, !nodes[Int(node)].children.isEmpty { node = nodes[Int(node)].newer }
    guard node != Self.none else { return nil }
    return remove(node)
  }

  /// Removes an unused leaf that a longer text of the same beginning replaces.
  mutating func removeUnused(_ node: NodeID) -> PageID? {
    guard nodes[Int(node)].users == 0, nodes[Int(node)].children.isEmpty else { return nil }
    return remove(node)
  }

  func tokenCount(_ node: NodeID) -> Int { nodes[Int(node)].tokens.count }
}

extension PrefixTree {
  private mutating func remove(_ node: NodeID) -> PageID {
    let (page, parent) = (nodes[Int(node)].page, nodes[Int(node)].parent)
    unlink(node)
    nodes[Int(parent)].children.removeAll { $0 == node }
    nodes[Int(node)].tokens = []
    vacant.append(node)
    pageCount -= 1
    if nodes[Int(parent)].page < 0 { removeRootIfEmpty(parent) }
    return page
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

  /// Puts a node among the unused, as the newest.
  private mutating func link(_ node: NodeID) {
    nodes[Int(node)].older = newest
    nodes[Int(node)].newer = Self.none
    if newest != Self.none { nodes[Int(newest)].newer = node } else { oldest = node }
    newest = node
    unusedCount += 1
  }

  private mutating func unlink(_ node: NodeID) {
    let (older, newer) = (nodes[Int(node)].older, nodes[Int(node)].newer)
    if older != Self.none { nodes[Int(older)].newer = newer } else { oldest = newer }
    if newer != Self.none { nodes[Int(newer)].older = older } else { newest = older }
    unusedCount -= 1
  }
}
