import ApusCompute
import ApusCore

/// Clusters the prompt's keys once and reads the keys of the clusters whose centroids get the most
/// attention, found in two levels (Squeezed Attention, arXiv:2411.09688).
///
/// There thresholds that are calibrated offline say how many clusters; here the budget does. The
/// last keys of the prompt (`recent`) and those that come after are read in any case; when the
/// latter fill half of the budget, they are clustered, too.
public struct Squeezed: KeySelector {
  public let budget: Int
  private let reuse: Int
  /// Keys of a cluster, on average.
  private let cluster: Int
  /// Keys at the start and the end of the prompt that are read in any case.
  private let sinks: Int
  private let recent: Int
  /// Of the coarse clusters, the best are looked into until they have so many times the budget.
  private static let looks = 4

  public init(options: PluginOptions) throws {
    budget = try options.int("budget", in: 2 * HeadKeys.pageSize...1 << 24) ?? 2048
    reuse = try options.int("reuse", in: 1...1024) ?? 4
    cluster = try options.int("cluster", in: 16...1024) ?? 20
    let quarter = budget / 4
    sinks = try options.int("sinks", in: 0...quarter) ?? 4
    recent = try options.int("recent", in: 0...quarter) ?? min(128, quarter)
  }

  public func update(_ memory: HeadMemory, keys: HeadKeys) {
    let complete = keys.pageCount * HeadKeys.pageSize
    let clustered = memory.clusters.keyCount
    guard complete > budget, clustered == 0 || complete - clustered > recent + budget / 2 else {
      return
    }
    var rows = KeyRows(dimension: keys.dimension)
    keys.load(clustered..<complete - recent, into: &rows)
    memory.clusters.append(rows, keysPerCluster: cluster)
  }

  public func select(
    _ query: HeadQuery, keys: HeadKeys, memory: HeadMemory, into selection: inout KeySelection
  ) {
    if memory.age < reuse,
      memory.repeatSelection(pageCount: keys.pageCount, limit: budget, into: &selection)
    {
      return
    }
    let clusters = memory.clusters
    var bits = KeyBits(pageCount: keys.pageCount)
    bits.insert(0..<sinks)
    bits.insert(clusters.keyCount..<keys.pageCount * HeadKeys.pageSize)
    let vectors = (0..<query.count).map { Array(query[$0]) }
    let scale = 1 / Float(query.dimension).squareRoot()
    let candidates = clusters.candidates(vectors, scale: scale, keyCount: Self.looks * budget)
    let votes = clusters.votes(of: candidates, vectors, scale: scale)
    let ranking = Ranking(votes, in: candidates.indices, limit: budget - bits.count) {
      clusters.members(Int(candidates[$0])).count
    }
    for index in ranking.chosen {
      for key in clusters.members(Int(candidates[Int(index)])) { bits.insert(Int(key)) }
    }
    if let next = ranking.next {
      let rest = budget - bits.count
      for key in clusters.members(Int(candidates[Int(next)])).prefix(rest) { bits.insert(Int(key)) }
    }
    bits.write(into: &selection)
    memory.remember(selection, pageCount: keys.pageCount)
  }
}
