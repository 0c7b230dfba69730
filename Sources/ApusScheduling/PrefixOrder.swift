import ApusCore

/// The order in which to run requests that are all known beforehand: those that share a beginning side by side, so
/// that its keys and values live briefly; within that, what writes much for what it reads comes first, so that later
/// prompts are read beside running answers (BatchLLM, arXiv:2412.03594).
///
/// A prefix tree is built over all prompts. Where it branches, branches and prompts are ordered by tokens to write
/// divided by tokens to read; what a branch shares is read once.
package struct PrefixOrder {
  /// A request as the order sees it.
  package struct Item: Sendable, Equatable {
    package var prompt: [TokenID]
    /// Tokens the answer may have.
    package var answerCount: Int
    /// Further tokens that are read and shared with nobody.
    package var ownCount: Int

    package init(prompt: [TokenID], answerCount: Int, ownCount: Int = 0) {
      self.prompt = prompt
      self.answerCount = answerCount
      self.ownCount = ownCount
    }
  }

  /// A branch of the tree, or one request that hangs on a branch.
  private struct Entry {
    /// Distinct tokens below, those on the way here not among them.
    var reading: Int
    var writing: Int
    let firstItem: Int
    let node: Int?

    var ratio: Double { Double(writing) / Double(max(reading, 1)) }

    /// Equal ones keep the order of the requests.
    func precedes(_ other: Entry) -> Bool {
      ratio != other.ratio ? ratio > other.ratio : firstItem < other.firstItem
    }
  }

  private struct Node {
    let parent: Int
    /// Tokens shared here that are not shared above.
    let reading: Int
    let firstItem: Int
    var entries: [Entry] = []
  }

  private let items: [Item]
  private let unit: Int
  private var nodes: [Node] = []

  /// The indices of `items` in the order to run them; prompts share whole units of `unit` tokens.
  package static func order(of items: [Item], unit: Int) -> [Int] {
    precondition(unit > 0, "a unit of no tokens")
    guard !items.isEmpty else { return [] }
    var tree = PrefixOrder(items: items, unit: unit)
    tree.build()
    tree.sum()
    return tree.walk()
  }

  private init(items: [Item], unit: Int) {
    self.items = items
    self.unit = unit
  }

  /// A parent stands before its children.
  private mutating func build() {
    nodes = [Node(parent: -1, reading: 0, firstItem: 0)]
    var pending = [(node: 0, members: Array(items.indices), depth: 0)]
    while let (node, members, depth) = pending.popLast() {
      for group in split(members, at: depth, of: node) {
        let length = sharedLength(group, from: depth)
        nodes.append(Node(parent: node, reading: length - depth, firstItem: group[0]))
        pending.append((nodes.count - 1, group, length))
      }
    }
  }

  /// Hangs on the node the members that share no more with others; returns the groups of those that do.
  private mutating func split(_ members: [Int], at depth: Int, of node: Int) -> [[Int]] {
    var groups: [[Int]] = []
    var places: [ArraySlice<TokenID>: Int] = [:]
    for member in members {
      guard let next = nextUnit(of: member, at: depth) else {
        hang(member, depth, on: node)
        continue
      }
      if let place = places[next] {
        groups[place].append(member)
      } else {
        places[next] = groups.count
        groups.append([member])
      }
    }
    for group in groups where group.count == 1 { hang(group[0], depth, on: node) }
    return groups.filter { $0.count > 1 }
  }

  private mutating func hang(_ item: Int, _ depth: Int, on node: Int) {
    let reading = items[item].prompt.count - depth + items[item].ownCount
    nodes[node].entries.append(
      Entry(reading: reading, writing: items[item].answerCount, firstItem: item, node: nil))
  }

  /// How many tokens all of the group share, in whole units.
  private func sharedLength(_ group: [Int], from depth: Int) -> Int {
    var length = depth + unit
    while let next = nextUnit(of: group[0], at: length),
      group.dropFirst().allSatisfy({ nextUnit(of: $0, at: length) == next })
    {
      length += unit
    }
    return length
  }

  private func nextUnit(of item: Int, at depth: Int) -> ArraySlice<TokenID>? {
    let prompt = items[item].prompt
    return depth + unit <= prompt.count ? prompt[depth..<depth + unit] : nil
  }

  /// Adds what stands below each node up, and sorts it.
  private mutating func sum() {
    for index in nodes.indices.reversed() {
      nodes[index].entries.sort { $0.precedes($1) }
      guard index > 0 else { continue }
      let node = nodes[index]
      let below = node.entries.reduce((reading: 0, writing: 0)) {
        ($0.reading + $1.reading, $0.writing + $1.writing)
      }
      nodes[node.parent].entries.append(
        Entry(
          reading: node.reading + below.reading, writing: below.writing,
          firstItem: node.firstItem, node: index))
    }
  }

  private func walk() -> [Int] {
    var order: [Int] = []
    order.reserveCapacity(items.count)
    var pending = Array(nodes[0].entries.reversed())
    while let entry = pending.popLast() {
      if let node = entry.node {
        pending += nodes[node].entries.reversed()
      } else {
        order.append(entry.firstItem)
      }
    }
    return order
  }
}
