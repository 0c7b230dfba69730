import ApusCompute
import ApusCore

/// Each head reads the first and the last chunk of the text and those whose representative fits its
/// query best (LongHeads, arXiv:2402.10685).
///
/// A representative is a mean of the chunk's keys weighted by attention within the chunk, as there,
/// but with the mean key as the query; heads that share keys choose together; positions stay.
public struct LongHeads: KeySelector {
  public let budget: Int
  /// Pages of a chunk.
  private let chunk: Int
  private let reuse: Int
  /// Chunks that a head reads.
  private var limit: Int { budget / (chunk * HeadKeys.pageSize) }

  public init(options: PluginOptions) throws {
    // The first chunk, the last one and one to choose.
    budget = try options.int("budget", in: 3 * HeadKeys.pageSize...1 << 24) ?? 2048
    let largest = budget / (3 * HeadKeys.pageSize)
    chunk = try options.int("chunk", in: 1...largest) ?? min(8, largest)
    reuse = try options.int("reuse", in: 1...1024) ?? 4
  }

  /// Chunks of the complete pages; the last may be a part of one, which has no representative and
  /// needs none.
  private func chunkCount(_ keys: HeadKeys) -> Int { (keys.pageCount + chunk - 1) / chunk }

  public func update(_ memory: HeadMemory, keys: HeadKeys) {
    let complete = keys.pageCount / chunk
    guard chunkCount(keys) > limit, complete > memory.pages.count else { return }
    let size = chunk * HeadKeys.pageSize
    var rows = KeyRows(dimension: keys.dimension)
    for index in memory.pages.count..<complete {
      rows.removeAll()
      keys.load(index * size..<(index + 1) * size, into: &rows)
      memory.pages.append(representative(of: rows))
    }
  }

  private func representative(of keys: KeyRows) -> [Float] {
    var weights = [Float](repeating: 0, count: keys.count)
    Softmax.add(
      keys.products(with: keys.mean())[...], scale: 1 / Float(keys.dimension).squareRoot(),
      to: &weights)
    return keys.sum(weights: weights)
  }

  public func select(
    _ query: HeadQuery, keys: HeadKeys, memory: HeadMemory, into selection: inout KeySelection
  ) {
    if memory.age < reuse,
      memory.repeatSelection(pageCount: keys.pageCount, limit: budget, into: &selection)
    {
      return
    }
    memory.pages.scores(query.sum(), into: &memory.scores)
    let chosen = HeadMemory.best(
      memory.scores, pageCount: chunkCount(keys), limit: limit, sinks: 1, recent: 1)
    selection.pages.removeAll(keepingCapacity: true)
    selection.masks.removeAll(keepingCapacity: true)
    for index in chosen {
      let first = Int(index) * chunk
      for page in first..<min(first + chunk, keys.pageCount) {
        selection.pages.append(Int32(page))
      }
    }
    memory.remember(selection, pageCount: keys.pageCount)
  }
}
