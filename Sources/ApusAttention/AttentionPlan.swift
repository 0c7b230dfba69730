import ApusCompute

/// How the attention of a step is cut into items for the threads (after Lean Attention, arXiv:2405.10480).
///
/// The cut never changes a bit: splits have a fixed length and are merged in order in either case.
public struct AttentionPlan: Sendable {
  public private(set) var items: [AttentionItem] = []
  /// Ranges of items whose partials must be merged, in order.
  public private(set) var groups: [Range<Int>] = []
  /// Query vectors of partial results.
  public private(set) var partialCount = 0

  /// Query vectors of one item without partials.
  static let tile = 64

  public init() {}

  public init(slices: [AttentionSlice], kvHeadCount: Int, group: Int) {
    plan(slices, kvHeadCount: kvHeadCount, group: group)
  }

  /// Plans anew, in the memory of the old plan.
  public mutating func plan(_ slices: [AttentionSlice], kvHeadCount: Int, group: Int) {
    items.removeAll(keepingCapacity: true)
    groups.removeAll(keepingCapacity: true)
    partialCount = 0
    for (index, slice) in slices.enumerated() {
      let vectors = slice.rowCount * group
      for head in 0..<kvHeadCount {
        if vectors > Self.tile || slice.splitCount == 1 {
          appendTiles(slice: index, head: head, vectors: vectors, splits: slice.splitCount)
        } else {
          appendSplits(slice: index, head: head, vectors: vectors, splits: slice.splitCount)
        }
      }
    }
  }

  private mutating func appendTiles(slice: Int, head: Int, vectors: Int, splits: Int) {
    for begin in stride(from: 0, to: vectors, by: Self.tile) {
      items.append(
        AttentionItem(
          slice: slice, head: head, vectors: begin..<min(begin + Self.tile, vectors),
          splits: 0..<splits))
    }
  }

  private mutating func appendSplits(slice: Int, head: Int, vectors: Int, splits: Int) {
    groups.append(items.count..<items.count + splits)
    for split in 0..<splits {
      items.append(
        AttentionItem(
          slice: slice, head: head, vectors: 0..<vectors, splits: split..<split + 1,
          partial: partialCount))
      partialCount += vectors
    }
  }
}
