import ApusCompute

/// How the attention of a step is cut into items for the threads (after Lean Attention, arXiv:2405.10480), and which
/// sequences read common keys together (after Hydragen, arXiv:2402.05099).
///
/// The cut never changes a bit: splits have a fixed length and are merged in order in either case.
public struct AttentionPlan: Sendable {
  public private(set) var items: [AttentionItem] = []
  /// Partials to be merged, and where they stand.
  public private(set) var merges: [AttentionMerge] = []
  public private(set) var parts: [Int32] = []
  /// Query vectors of partial results.
  public private(set) var partialCount = 0
  /// Some item reads keys for several slices at once.
  public private(set) var isShared = false

  /// Query vectors of one item.
  static let tile = 64
  /// With fewer items that read all keys, some threads would wait for the others.
  private static let fewItems = 16
  /// Vectors of partial results that are worth their memory.
  private static let mostPartials = 16_384

  private var kvHeadCount = 0
  private var group = 0
  private var layer = 0
  /// Where the parts of each KV head of a slice begin, [slices][KV heads]: its splits, where it is cut.
  private var firstPart: [Int] = []

  public init() {}

  /// Plans anew, in the memory of the old plan.
  ///
  /// With `sharing`, neighbouring slices whose first splits lie in the same pages read these together; their masks must
  /// let them read all of these. Of slices with views, the plan is for one layer.
  public mutating func plan(
    _ slices: [AttentionSlice], layer: Int, kvHeadCount: Int, group: Int, sharing: Bool
  ) {
    items.removeAll(keepingCapacity: true)
    merges.removeAll(keepingCapacity: true)
    parts.removeAll(keepingCapacity: true)
    firstPart.removeAll(keepingCapacity: true)
    partialCount = 0
    isShared = false
    self.kvHeadCount = kvHeadCount
    self.group = group
    self.layer = layer
    for (index, slice) in slices.enumerated() { appendMerges(index, slice) }
    var index = 0
    while index < slices.count {
      if slices[index].views != nil {
        appendHeads(index, slices)
        index += 1
        continue
      }
      guard isCut(slices[index]) else {
        appendWhole(index, slices[index])
        index += 1
        continue
      }
      var end = index + 1
      while sharing, end < slices.count, slices[end].views == nil, isCut(slices[end]) { end += 1 }
      appendSplits(index..<end, slices, from: 0)
      index = end
    }
  }

  private func splitCount(_ slice: AttentionSlice, head: Int = 0) -> Int {
    slice.splitCount(layer: layer, head: head)
  }

  /// Few vectors with many keys: the threads share the keys.
  private func isCut(_ slice: AttentionSlice, head: Int = 0) -> Bool {
    let splitCount = splitCount(slice, head: head)
    guard splitCount > 1 else { return false }
    let vectors = slice.rowCount * group
    let items = (vectors + Self.tile - 1) / Self.tile * kvHeadCount
    return vectors <= Self.tile
      || items < Self.fewItems && vectors * splitCount * kvHeadCount <= Self.mostPartials
  }

  /// A slice whose heads read different keys.
  private mutating func appendHeads(_ index: Int, _ slices: [AttentionSlice]) {
    for head in 0..<kvHeadCount {
      if isCut(slices[index], head: head) {
        for split in 0..<splitCount(slices[index], head: head) {
          appendSplit(split, index..<index + 1, slices, heads: head..<head + 1)
        }
      } else {
        appendWhole(index, slices[index], heads: head..<head + 1)
      }
    }
  }

  /// Each item reads all keys and writes the output; few vectors and a single split have room among the partials.
  private mutating func appendWhole(
    _ index: Int, _ slice: AttentionSlice, heads: Range<Int>? = nil
  ) {
    let vectors = slice.rowCount * group
    for head in heads ?? 0..<kvHeadCount {
      let splitCount = splitCount(slice, head: head)
      let hasPartial = vectors <= Self.tile && splitCount == 1
      for begin in stride(from: 0, to: vectors, by: Self.tile) {
        let end = min(begin + Self.tile, vectors)
        items.append(
          AttentionItem(
            slice: index, head: head, vectors: begin..<end, splits: 0..<splitCount,
            partial: hasPartial ? partialCount : -1))
        if hasPartial { partialCount += end - begin }
      }
    }
  }

  /// The splits from `first` on of neighbouring slices that have all earlier ones in common.
  private mutating func appendSplits(
    _ run: Range<Int>, _ slices: [AttentionSlice], from first: Int
  ) {
    var begin = run.lowerBound
    while begin < run.upperBound {
      var end = begin + 1
      while end < run.upperBound, sharesSplit(first, slices[begin], slices[end]) { end += 1 }
      if end == begin + 1 {
        for split in first..<splitCount(slices[begin]) {
          appendSplit(split, begin..<end, slices)
        }
      } else {
        isShared = true
        var split = first
        while (begin + 1..<end).allSatisfy({ sharesSplit(split, slices[begin], slices[$0]) }) {
          appendSplit(split, begin..<end, slices)
          split += 1
        }
        appendSplits(begin..<end, slices, from: split)
      }
      begin = end
    }
  }

  /// Whether both slices read the whole split from the same pages; all splits before are known to be common.
  private func sharesSplit(_ split: Int, _ a: AttentionSlice, _ b: AttentionSlice) -> Bool {
    let end = (split + 1) * Compute.attentionSplit
    guard a.tree == nil, b.tree == nil, end <= a.firstIndex, end <= b.firstIndex else {
      return false
    }
    let first = split * Compute.attentionSplit / KVGeometry.pageSize
    return a.pages[first..<end / KVGeometry.pageSize] == b.pages[first..<end / KVGeometry.pageSize]
  }

  /// One split of neighbouring slices, whose query vectors follow each other.
  private mutating func appendSplit(
    _ split: Int, _ run: Range<Int>, _ slices: [AttentionSlice], heads: Range<Int>? = nil
  ) {
    let vectors = run.reduce(0) { $0 + slices[$1].rowCount } * group
    for head in heads ?? 0..<kvHeadCount {
      for begin in stride(from: 0, to: vectors, by: Self.tile) {
        let end = min(begin + Self.tile, vectors)
        items.append(
          AttentionItem(
            slice: run.lowerBound, head: head, vectors: begin..<end, splits: split..<split + 1,
            partial: partialCount + begin))
      }
      var start = partialCount
      for index in run {
        parts[firstPart[index * kvHeadCount + head] + split] = Int32(start)
        start += slices[index].rowCount * group
      }
      partialCount += vectors
    }
  }

  /// One merge a KV head that is cut; where its parts stand is known when the splits are planned.
  private mutating func appendMerges(_ index: Int, _ slice: AttentionSlice) {
    for head in 0..<kvHeadCount {
      let first = parts.count
      firstPart.append(first)
      guard isCut(slice, head: head) else { continue }
      for _ in 0..<splitCount(slice, head: head) { parts.append(0) }
      merges.append(
        AttentionMerge(
          slice: index, head: head, vectorCount: slice.rowCount * group,
          parts: first..<parts.count))
    }
  }
}
