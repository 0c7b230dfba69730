import ApusCore

/// Which pages are free and how often each of the others is referred to.
public struct PagePool: Sendable {
  public let pageCount: Int
  private var free: [PageID]
  private var references: [Int32]

  public init(pageCount: Int) {
    self.pageCount = pageCount
    free = (0..<PageID(pageCount)).reversed()
    references = Array(repeating: 0, count: pageCount)
  }

  public var freeCount: Int { free.count }
  public var usedCount: Int { pageCount - free.count }

  /// Takes `count` pages, each with one reference; nil (and nothing taken) when there are fewer.
  public mutating func allocate(_ count: Int) -> [PageID]? {
    guard count <= free.count else { return nil }
    let pages = Array(free.suffix(count).reversed())
    free.removeLast(count)
    for page in pages { references[Int(page)] = 1 }
    return pages
  }

  /// The same, added to `pages`; false (and nothing taken) when there are fewer.
  public mutating func allocate(_ count: Int, appendingTo pages: inout [PageID]) -> Bool {
    guard count <= free.count else { return false }
    for _ in 0..<count {
      let page = free.removeLast()
      references[Int(page)] = 1
      pages.append(page)
    }
    return true
  }

  /// Adds a reference to pages in use.
  public mutating func retain(_ pages: some Swift.Sequence<PageID>) {
    for page in pages {
      precondition(references[Int(page)] > 0, "a free page cannot be shared")
      references[Int(page)] += 1
    }
  }

  /// Drops a reference; returns the pages that became free.
  @discardableResult
  public mutating func release(_ pages: some Swift.Sequence<PageID>) -> [PageID] {
    var freed: [PageID] = []
    for page in pages {
      precondition(references[Int(page)] > 0, "a page was released twice")
      references[Int(page)] -= 1
      if references[Int(page)] == 0 { freed.append(page) }
    }
    free += freed.reversed()
    return freed
  }
}
