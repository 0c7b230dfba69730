import ApusCompute
import ApusCore

/// Reads whole sentences, ranked by the product of their mean key with the queries of the sentence
/// being generated (SentenceKV, arXiv:2504.00970).
///
/// There only these sentences' keys are in fast memory; here all stay. What is longer than a few
/// pages without an end of sentence is cut at pages. The start of the text (`sinks` keys) and what
/// no complete sentence holds are read in any case.
public struct SentenceKV: KeySelector {
  public let budget: Int
  public var needsSentences: Bool { true }
  private let reuse: Int
  private let sinks: Int
  /// Keys of the longest sentence that is not cut.
  private let longest: Int

  public init(options: PluginOptions) throws {
    budget = try options.int("budget", in: 2 * HeadKeys.pageSize...1 << 24) ?? 2048
    reuse = try options.int("reuse", in: 1...1024) ?? 4
    sinks = try options.int("sinks", in: 0...budget / 2) ?? 4
    longest = min(4 * HeadKeys.pageSize, budget / 4)
  }

  /// Brings the sentences up to date: `groups` are their ends, `pages` their mean keys.
  public func update(_ memory: HeadMemory, keys: HeadKeys) {
    guard keys.pageCount * HeadKeys.pageSize > budget else { return }
    var rows = KeyRows(dimension: keys.dimension)
    var start = Int(memory.groups.last ?? 0)
    while let end = end(ofSentenceAt: start, keys) {
      rows.removeAll()
      keys.load(start..<end, into: &rows)
      memory.pages.append(rows.mean())
      memory.groups.append(Int32(end))
      start = end
    }
  }

  /// Where a sentence ends or is cut, inside complete pages; nil where neither is.
  private func end(ofSentenceAt start: Int, _ keys: HeadKeys) -> Int? {
    let complete = keys.pageCount * HeadKeys.pageSize
    let next = keys.sentences.first(above: start) ?? Int.max
    if next <= min(complete, start + longest) { return next }
    guard min(next, complete) > start + longest else { return nil }
    return min((start / HeadKeys.pageSize + 1) * HeadKeys.pageSize, start + longest)
  }

  public func select(
    _ query: HeadQuery, keys: HeadKeys, memory: HeadMemory, into selection: inout KeySelection
  ) {
    // The sum of the sentence's queries ranks as their mean does.
    let grouped = Int(memory.groups.last ?? 0)
    let start = max(keys.sentences.last { $0 < keys.count } ?? 0, grouped)
    var sum = query.sum()
    if start == memory.start, memory.numbers.count == sum.count {
      for index in sum.indices { sum[index] += memory.numbers[index] }
    } else {
      memory.age = 0
    }
    memory.numbers = sum
    memory.start = start
    if memory.age < reuse,
      memory.repeatSelection(pageCount: keys.pageCount, limit: budget, into: &selection)
    {
      return
    }
    var bits = KeyBits(pageCount: keys.pageCount)
    bits.insert(0..<sinks)
    bits.insert(grouped..<keys.pageCount * HeadKeys.pageSize)
    memory.pages.scores(sum, into: &memory.scores)
    let ends = memory.groups
    func sentence(_ index: Int) -> Range<Int> {
      (index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])
    }
    let ranking = Ranking(memory.scores, in: ends.indices, limit: budget - bits.count) {
      sentence($0).count
    }
    for index in ranking.chosen { bits.insert(sentence(Int(index))) }
    bits.write(into: &selection)
    memory.remember(selection, pageCount: keys.pageCount)
  }
}

extension [Int] {
  /// The first of ascending numbers that is above `bound`.
  fileprivate func first(above bound: Int) -> Int? {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] > bound { high = middle } else { low = middle + 1 }
    }
    return low < count ? self[low] : nil
  }
}
