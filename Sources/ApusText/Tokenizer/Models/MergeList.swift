import ApusCore

/// Knows which adjacent symbols merge, and how urgently.
protocol PairRanking {
  /// The rank in the upper half (smaller merges first) and the resulting symbol in the lower half, or
  /// `UInt64.max` where the two do not merge.
  func rank(_ left: MergeList.Symbol, _ right: MergeList.Symbol, text: [UInt8]) -> UInt64
}

/// The symbols of one word while they are being merged.
///
/// A short word is scanned for its best pair after every merge; a long one goes through a heap, so that the
/// whole is O(n log n). Equal ranks merge from left to right.
struct MergeList {
  /// An id and the bytes of the text that it stands for.
  struct Symbol {
    var id: TokenID
    var start: Int
    var end: Int
    /// The rank of this symbol with the next one.
    fileprivate var pair = UInt64.max

    init(id: TokenID, start: Int, end: Int) {
      self.id = id
      self.start = start
      self.end = end
    }
  }

  private static let scanLimit = 40
  private static let rankMask: UInt64 = 0xFFFF_FFFF_0000_0000

  private(set) var symbols: [Symbol] = []
  private var previous: [Int32] = []
  private var next: [Int32] = []
  private var heap: [UInt64] = []

  mutating func removeAll() { symbols.removeAll(keepingCapacity: true) }

  mutating func append(_ id: TokenID, _ start: Int, _ end: Int) {
    symbols.append(Symbol(id: id, start: start, end: end))
  }

  /// Merges until no adjacent pair has a rank; the remaining symbols then stand in `symbols`.
  mutating func merge(_ ranking: some PairRanking, text: [UInt8]) {
    if symbols.count < 2 { return }
    for index in 0..<symbols.count - 1 {
      symbols[index].pair = ranking.rank(symbols[index], symbols[index + 1], text: text)
    }
    if symbols.count <= Self.scanLimit {
      mergeByScanning(ranking, text)
    } else {
      mergeByHeap(ranking, text)
    }
  }

  private mutating func mergeByScanning(_ ranking: some PairRanking, _ text: [UInt8]) {
    while true {
      var best = UInt64.max
      var index = -1
      for position in symbols.indices where symbols[position].pair >> 32 < best >> 32 {
        best = symbols[position].pair
        index = position
      }
      if index < 0 { return }
      let right = symbols.remove(at: index + 1)
      var merged = symbols[index]
      merged.id = TokenID(truncatingIfNeeded: best & 0xFFFF_FFFF)
      merged.end = right.end
      merged.pair =
        index + 1 < symbols.count ? ranking.rank(merged, symbols[index + 1], text: text) : .max
      symbols[index] = merged
      if index > 0 {
        symbols[index - 1].pair = ranking.rank(symbols[index - 1], merged, text: text)
      }
    }
  }

  private mutating func mergeByHeap(_ ranking: some PairRanking, _ text: [UInt8]) {
    linkNeighbours()
    while let top = popLeast() {
      let left = Int(top & 0xFFFF_FFFF)
      // A symbol that was merged away or has another neighbour by now leaves stale entries behind.
      let pair = symbols[left].pair
      guard symbols[left].id >= 0, pair != .max, pair >> 32 == top >> 32 else { continue }
      let right = Int(next[left])
      symbols[left].id = TokenID(truncatingIfNeeded: pair & 0xFFFF_FFFF)
      symbols[left].end = symbols[right].end
      symbols[left].pair = .max
      symbols[right].id = -1
      let after = Int(next[right])
      next[left] = Int32(after)
      if after >= 0 {
        previous[after] = Int32(left)
        push(ranking.rank(symbols[left], symbols[after], text: text), left)
      }
      let before = Int(previous[left])
      if before >= 0 {
        push(ranking.rank(symbols[before], symbols[left], text: text), before)
      }
    }
    symbols.removeAll { $0.id < 0 }
  }

  private mutating func linkNeighbours() {
    previous.removeAll(keepingCapacity: true)
    next.removeAll(keepingCapacity: true)
    heap.removeAll(keepingCapacity: true)
    for index in symbols.indices {
      previous.append(Int32(index - 1))
      next.append(index + 1 < symbols.count ? Int32(index + 1) : -1)
      if symbols[index].pair != .max {
        heap.append((symbols[index].pair & Self.rankMask) | UInt64(index))
      }
    }
    guard heap.count > 1 else { return }
    for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) {
      siftDown(index, heap[index])
    }
  }

  // MARK: Heap

  private mutating func push(_ pair: UInt64, _ index: Int) {
    symbols[index].pair = pair
    guard pair != UInt64.max else { return }
    heap.append((pair & Self.rankMask) | UInt64(index))
    var child = heap.count - 1
    let value = heap[child]
    while child > 0 {
      let parent = (child - 1) >> 1
      if heap[parent] <= value { break }
      heap[child] = heap[parent]
      child = parent
    }
    heap[child] = value
  }

  private mutating func popLeast() -> UInt64? {
    guard let least = heap.first else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty { siftDown(0, last) }
    return least
  }

  private mutating func siftDown(_ start: Int, _ value: UInt64) {
    var index = start
    while true {
      var child = 2 * index + 1
      if child >= heap.count { break }
      if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
      if heap[child] >= value { break }
      heap[index] = heap[child]
      index = child
    }
    heap[index] = value
  }
}
