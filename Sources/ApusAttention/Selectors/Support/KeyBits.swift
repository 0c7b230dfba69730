/// Keys chosen one by one: a bit for each key of the complete pages.
package struct KeyBits {
  /// Keys chosen.
  package private(set) var count = 0
  private var masks: [UInt32]

  /// None of `pageCount` pages.
  package init(pageCount: Int) {
    masks = [UInt32](repeating: 0, count: pageCount)
  }

  /// Adds a key unless it lies behind the complete pages.
  package mutating func insert(_ key: Int) {
    let page = key / HeadKeys.pageSize
    guard page < masks.count else { return }
    insert(1 << UInt32(key % HeadKeys.pageSize), in: page)
  }

  /// Adds the keys of a range that lie in complete pages.
  package mutating func insert(_ keys: Range<Int>) {
    let end = min(keys.upperBound, masks.count * HeadKeys.pageSize)
    var key = keys.lowerBound
    while key < end {
      let page = key / HeadKeys.pageSize
      let first = key % HeadKeys.pageSize
      let last = min(end - page * HeadKeys.pageSize, HeadKeys.pageSize)
      let ones = UInt32.max >> UInt32(HeadKeys.pageSize - (last - first))
      insert(ones << UInt32(first), in: page)
      key = (page + 1) * HeadKeys.pageSize
    }
  }

  private mutating func insert(_ bits: UInt32, in page: Int) {
    count += (bits & ~masks[page]).nonzeroBitCount
    masks[page] |= bits
  }

  /// Makes the pages that have a chosen key the selection.
  package func write(into selection: inout KeySelection) {
    selection.pages.removeAll(keepingCapacity: true)
    selection.masks.removeAll(keepingCapacity: true)
    for (page, mask) in masks.enumerated() where mask != 0 {
      selection.pages.append(Int32(page))
      selection.masks.append(mask)
    }
    if count == selection.pages.count * HeadKeys.pageSize {
      selection.masks.removeAll(keepingCapacity: true)
    }
  }
}
