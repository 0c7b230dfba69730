import ApusCore

/// Which pages are free; each of the others has one owner, a sequence or the prefix tree.
public struct PagePool: Sendable {
  public let pageCount: Int
  private var free: [PageID]
  private var taken: [Bool]
  /// Pages from this one on have never been taken.
  public private(set) var everUsedCount = 0

  public init(pageCount: Int) {
    self.pageCount = pageCount
    free = (0..<PageID(pageCount)).reversed()
    taken = Array(repeating: false, count: pageCount)
  }

  public var freeCount: Int { free.count }
  public var usedCount: Int { pageCount - free.count }

  /// Takes a page; nil when there is none.
  public mutating func allocate() -> PageID? {
    guard let page = free.popLast() else { return nil }
    taken[Int(page)] = true
    everUsedCount = max(everUsedCount, Int(page) + 1)
    return page
  }

  /// Gives a page back.
  public mutating func release(_ page: PageID) {
    precondition(taken[Int(page)], "page \(page) was given back twice")
    taken[Int(page)] = false
    free.append(page)
  }
}
