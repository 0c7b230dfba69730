import ApusCompute
import ApusCore

/// Reads the keys that most query heads vote for, softly by their softmax, and keeps the choice
/// while the query resembles the one it was made for (TokenSelect, arXiv:2411.02886).
///
/// There all heads of a layer vote together; here the query heads of one KV head, each KV head for
/// itself. A vote reads all keys, but no values.
public struct TokenSelect: KeySelector {
  public let budget: Int
  /// The cosine of two queries above which they share a choice.
  private let similarity: Float
  /// Keys at the start and the end of the text that are read in any case.
  private let sinks: Int
  private let recent: Int

  public init(options: PluginOptions) throws {
    budget = try options.int("budget", in: 2 * HeadKeys.pageSize...1 << 24) ?? 2048
    similarity = Float(try options.double("similarity", in: 0...1) ?? 0.9)
    sinks = try options.int("sinks", in: 0...budget - 1) ?? min(128, budget / 16)
    let mostRecent = budget - 1 - sinks
    recent = try options.int("recent", in: 0...mostRecent) ?? min(512, budget / 4, mostRecent)
  }

  public func select(
    _ query: HeadQuery, keys: HeadKeys, memory: HeadMemory, into selection: inout KeySelection
  ) {
    if memory.age > 0, resembles(query.all, memory.query),
      memory.repeatSelection(pageCount: keys.pageCount, limit: budget, into: &selection)
    {
      return
    }
    let end = keys.pageCount * HeadKeys.pageSize
    let firstRecent = max(end - recent, 0)
    var bits = KeyBits(pageCount: keys.pageCount)
    bits.insert(0..<sinks)
    bits.insert(firstRecent..<end)
    let middle = sinks..<max(firstRecent, sinks)
    if middle.count <= budget - bits.count {
      bits.insert(middle)
    } else {
      var votes = [Float](repeating: 0, count: keys.count)
      let scores = keys.scores()
      for first in stride(from: 0, to: scores.count, by: keys.count) {
        Softmax.add(scores[first..<first + keys.count], to: &votes)
      }
      for key in Ranking(votes, in: middle, limit: budget - bits.count).chosen {
        bits.insert(Int(key))
      }
    }
    bits.write(into: &selection)
    memory.query = query.all
    memory.remember(selection, pageCount: keys.pageCount)
  }

  /// Whether the cosine of two queries, all their vectors together, is above the threshold.
  private func resembles(_ a: [Float], _ b: [Float]) -> Bool {
    guard a.count == b.count else { return false }
    var (product, squareOfA, squareOfB) = (Float(0), Float(0), Float(0))
    for index in a.indices {
      product += a[index] * b[index]
      squareOfA += a[index] * a[index]
      squareOfB += b[index] * b[index]
    }
    return product > similarity * (squareOfA * squareOfB).squareRoot()
  }
}
