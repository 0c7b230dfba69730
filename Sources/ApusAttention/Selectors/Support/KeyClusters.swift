import ApusCompute

/// Keys in clusters of similar directions, and these in coarse clusters.
///
/// The paper of Squeezed Attention clusters the centroids for the coarse level; here the coarse
/// clusters come first and are then split, which takes a small part of the time.
struct KeyClusters {
  /// Keys that are in clusters: the first of the text.
  private(set) var keyCount = 0
  /// Mean keys.
  private var fine = SummaryTable()
  private var coarse = SummaryTable()
  /// Keys, cluster after cluster, and where each cluster begins; in one cluster they ascend.
  private var keys: [Int32] = []
  private var starts = [0]
  /// Where each coarse cluster begins among the others.
  private var coarseStarts = [0]
  private var sizes: [Float] = []
  private var coarseSizes: [Float] = []

  /// Fine clusters of a coarse one, on average.
  private static let branches = 32

  /// The keys of a cluster.
  func members(_ cluster: Int) -> ArraySlice<Int32> {
    keys[starts[cluster]..<starts[cluster + 1]]
  }

  /// Clusters the next keys of the text apart from those before.
  mutating func append(_ rows: KeyRows, keysPerCluster size: Int) {
    var kMeans = KMeans(rows, seed: UInt64(keyCount))
    let all = (0..<Int32(rows.count)).map { $0 }
    let coarseSize = size * Self.branches
    for group in kMeans.split(all, size: coarseSize, largest: 2 * coarseSize) {
      for cluster in kMeans.split(group, size: size, largest: 4 * size) {
        fine.append(rows.mean(of: cluster))
        sizes.append(Float(cluster.count))
        for member in cluster { keys.append(Int32(keyCount) + member) }
        starts.append(keys.count)
      }
      coarse.append(rows.mean(of: group))
      coarseSizes.append(Float(group.count))
      coarseStarts.append(fine.count)
    }
    keyCount += rows.count
  }

  /// The clusters inside the best coarse clusters, which are taken until they have `limit` keys.
  func candidates(_ vectors: [[Float]], scale: Float, keyCount limit: Int) -> [Int32] {
    guard limit < keyCount else { return (0..<Int32(fine.count)).map { $0 } }
    var votes = [Float](repeating: 0, count: coarse.count)
    var scores: [Float] = []
    for vector in vectors {
      coarse.scores(vector, into: &scores)
      Softmax.add(scores[...], scale: scale, sizes: coarseSizes, to: &votes)
    }
    let ranking = Ranking(votes, in: 0..<coarse.count, limit: limit) { Int(coarseSizes[$0]) }
    var best = ranking.chosen
    if let next = ranking.next { best.append(next) }
    var candidates: [Int32] = []
    for index in best.sorted() {
      for cluster in coarseStarts[Int(index)]..<coarseStarts[Int(index) + 1] {
        candidates.append(Int32(cluster))
      }
    }
    return candidates
  }

  /// The attention that one key of each of `candidates`, which ascend, gets from all vectors.
  func votes(of candidates: [Int32], _ vectors: [[Float]], scale: Float) -> [Float] {
    var votes = [Float](repeating: 0, count: candidates.count)
    let counts = candidates.map { sizes[Int($0)] }
    var scores: [Float] = []
    for vector in vectors {
      scores.removeAll(keepingCapacity: true)
      var index = 0
      while index < candidates.count {
        // Neighbours are multiplied together.
        var end = index + 1
        while end < candidates.count, candidates[end] == candidates[end - 1] + 1 { end += 1 }
        fine.append(
          scoresOf: Int(candidates[index])..<Int(candidates[end - 1]) + 1, with: vector,
          to: &scores)
        index = end
      }
      Softmax.add(scores[...], scale: scale, sizes: counts, to: &votes)
    }
    return votes
  }
}
