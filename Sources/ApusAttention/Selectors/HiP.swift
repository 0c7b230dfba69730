import ApusCompute
import ApusCore

/// Searches the best pages as leaves of a tree (HiP Attention, arXiv:2406.09827): as many nodes as
/// may be read cover the text, each is split in two, halves are ranked by q·k of their middle key
/// and the best kept, until all are single pages.
///
/// It reads few keys and keeps nothing of them, but takes it that keys side by side are alike. There
/// the search serves blocks of queries; here the query vectors of one KV head.
public struct HiP: KeySelector {
  private let pages: PageOptions
  public var budget: Int { pages.budget }

  public init(options: PluginOptions) throws {
    pages = try PageOptions(options)
  }

  public func select(
    _ query: HeadQuery, keys: HeadKeys, memory: HeadMemory, into selection: inout KeySelection
  ) {
    if memory.age < pages.reuse,
      memory.repeatSelection(pageCount: keys.pageCount, limit: budget, into: &selection)
    {
      return
    }
    selection.masks.removeAll(keepingCapacity: true)
    if keys.pageCount <= pages.limit {
      selection.pages = (0..<Int32(keys.pageCount)).map { $0 }
    } else {
      let middle = pages.sinks..<keys.pageCount - pages.recent
      let found = search(middle, count: pages.limit - pages.sinks - pages.recent, query, keys)
      selection.pages =
        (0..<Int32(pages.sinks)) + found
        + (Int32(middle.upperBound)..<Int32(keys.pageCount))
    }
    memory.remember(selection, pageCount: keys.pageCount)
  }

  /// The best `count` of more than that many pages, ascending.
  private func search(
    _ range: Range<Int>, count: Int, _ query: HeadQuery, _ keys: HeadKeys
  ) -> [Int32] {
    let vector = query.sum()
    var middles = KeyRows(dimension: keys.dimension)
    let bounds = (0...count).map { range.lowerBound + $0 * range.count / count }
    var nodes = (0..<count).map { bounds[$0]..<bounds[$0 + 1] }
    var halves: [Range<Int>] = []
    while nodes.contains(where: { $0.count > 1 }) {
      halves.removeAll(keepingCapacity: true)
      for node in nodes {
        let half = node.lowerBound + node.count / 2
        if node.count > 1 { halves.append(node.lowerBound..<half) }
        halves.append(half..<node.upperBound)
      }
      middles.removeAll()
      for node in halves {
        let middle = (node.lowerBound + node.upperBound) * HeadKeys.pageSize / 2
        keys.load(middle..<middle + 1, into: &middles)
      }
      let scores = middles.products(with: vector)
      nodes = Ranking(scores, in: halves.indices, limit: count).chosen.sorted().map {
        halves[Int($0)]
      }
    }
    return nodes.map { Int32($0.lowerBound) }
  }
}
