import ApusCompute
import ApusCore

/// A selector that ranks pages by a product of what it keeps of each part of a page, a logical page, and what it makes of
/// the query (LServe, arXiv:2502.14866).
///
/// Each query vector has its own softmax over the products; a page counts by the largest share that any of its logical
/// pages has for any vector, so that a head with large products does not choose for the others. The best pages are then
/// ranked in the same way by the largest product that a key of each logical page has. In either ranking a page counts by
/// the end of the page before it, candidate or not: an answer that copies from the text goes on there in the next steps.
public protocol PageSelector: KeySelector {
  var pages: PageOptions { get }
  var logical: LogicalPageOptions { get }

  /// What stands for the keys of a logical page.
  func summary(of keys: KeyRows) -> [Float]
  /// What the summaries are multiplied by, for one query vector.
  func probe(_ query: ArraySlice<Float>) -> [Float]
}

extension PageSelector {
  public var budget: Int { pages.budget }

  public func probe(_ query: ArraySlice<Float>) -> [Float] { Array(query) }

  public func update(_ memory: HeadMemory, keys: HeadKeys) {
    // A text that is read whole needs no summaries.
    guard keys.pageCount > pages.limit else { return }
    var rows = KeyRows(dimension: keys.dimension)
    for first in memory.parts.count..<max(keys.pageCount * logical.perPage, memory.parts.count) {
      rows.removeAll()
      keys.load(first * logical.size..<(first + 1) * logical.size, into: &rows)
      memory.parts.append(summary(of: rows))
    }
  }

  public func select(
    _ query: HeadQuery, keys: HeadKeys, memory: HeadMemory, into selection: inout KeySelection
  ) {
    if memory.age < pages.reuse,
      memory.repeatSelection(pageCount: keys.pageCount, limit: budget, into: &selection)
    {
      return
    }
    let ranks = keys.pageCount > pages.limit ? ranks(query, keys, memory) : []
    selection.pages = best(ranks, pageCount: keys.pageCount, limit: pages.limit)
    selection.masks.removeAll(keepingCapacity: true)
    memory.remember(selection, pageCount: keys.pageCount)
  }

  private func best(_ ranks: [Float], pageCount: Int, limit: Int) -> [Int32] {
    HeadMemory.best(
      ranks, pageCount: pageCount, limit: limit, sinks: pages.sinks, recent: pages.recent)
  }

  /// The logarithm of each page's largest share.
  private func ranks(_ query: HeadQuery, _ keys: HeadKeys, _ memory: HeadMemory) -> [Float] {
    let candidateCount = logical.refine * pages.limit
    var ranks: [Float] = []
    if logical.refine == 1 || keys.pageCount > candidateCount {
      let products = memory.parts.products(
        with: (0..<query.count).flatMap { probe(query[$0]) },
        scale: 1 / Float(query.dimension).squareRoot())
      let count = memory.parts.count / logical.perPage
      ranks = self.ranks(
        ofPages: (0..<Int32(count)).map { $0 }, among: count, products, vectorCount: query.count)
    }
    guard logical.refine > 1 else { return ranks }
    let candidates = best(ranks, pageCount: keys.pageCount, limit: candidateCount)
    let products = keys.scores(ofPages: candidates)
    return self.ranks(
      ofPages: candidates, among: keys.pageCount,
      Softmax.highest(products[...], ofEach: logical.size), vectorCount: query.count)
  }

  /// The logarithm of the largest share of the softmax of a query vector that any logical page has which counts for a
  /// page: of `count` pages, for those that `pages` lists and those behind them.
  ///
  /// `scores` are those of the listed pages, one vector behind the other.
  private func ranks(
    ofPages pages: [Int32], among count: Int, _ scores: [Float], vectorCount: Int
  ) -> [Float] {
    let shares = Softmax.largestShares(scores, vectorCount: vectorCount)
    var ranks = [Float](repeating: -.infinity, count: count)
    for (index, highest) in Softmax.highest(shares[...], ofEach: logical.perPage).enumerated() {
      let page = Int(pages[index])
      ranks[page] = max(ranks[page], highest)
      guard page + 1 < count else { continue }
      let end = (index + 1) * logical.perPage
      for share in shares[end - logical.ahead..<end] {
        ranks[page + 1] = max(ranks[page + 1], share)
      }
    }
    return ranks
  }
}
