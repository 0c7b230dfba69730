import ApusAttention
import ApusCompute
import ApusCore
import ApusKV
import ApusModels
import Foundation

/// Finds the heads that look things up in a text, by what they read of one that stands there twice (RazorAttention,
/// arXiv:2407.15891).
///
/// The text is random, so that nothing but its first copy foretells the second one. An echo head reads the same token
/// of the first copy, an induction head the one behind it.
package struct HeadFinder {
  private let shape: ModelShape
  private let configuration: ModelConfiguration
  private let model: any ModelArchitecture
  private let compute: Compute
  private let store: KVStore
  private let backend: PagedAttention
  private let workspace: Workspace
  /// Tokens of one copy.
  private let length: Int

  /// Rows of the second copy that run at once; each leaves as many numbers as there are query heads and keys.
  private static let rowsAtOnce = 8
  private static let rowsOfFirstCopy = 256

  /// Loads the weights; throws `HeadFinderError`, `EngineError`, `CheckpointError` or `CatalogError`.
  package init(
    _ checkpoint: Checkpoint, configuration engine: EngineConfiguration = EngineConfiguration(),
    length: Int, progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
  ) throws {
    configuration = checkpoint.configuration
    shape = configuration.shape
    self.length = length
    guard length >= 2, 2 * length <= shape.contextLength else {
      throw HeadFinderError.wrongLength(length, contextLength: shape.contextLength)
    }
    guard shape.headDimension <= KVGeometry.largestHeadDimension else {
      throw EngineError.headTooLarge(
        shape.headDimension, limit: KVGeometry.largestHeadDimension)
    }
    let pool = WorkerPool(threadCount: engine.threadCount ?? WorkerPool.defaultThreadCount)
    compute = try Compute(
      pool: pool, instructionSet: engine.instructionSet, precision: engine.precision)
    model = try ModelArchitectures.load(
      checkpoint, contextLength: 2 * length,
      loader: WeightLoader(
        for: checkpoint, precision: engine.precision, quantization: engine.quantization,
        packCache: engine.packCache, pool: pool, progress: progress))
    store = KVStore(
      geometry: KVGeometry(
        layerCount: shape.layerCount, headCount: shape.kvHeadCount,
        headDimension: shape.headDimension, key: .f32, value: .f32),
      blockCount: KVGeometry.pageCount(2 * length))
    backend = PagedAttention(compute: compute, store: store)
    workspace = Workspace(
      configuration, maxRows: max(Self.rowsAtOnce, Self.rowsOfFirstCopy), maxLogitRows: 1)
  }

  /// Runs the text of a seed; `progress` is called with tokens done and tokens in all.
  package func scores(seed: UInt64, progress: (Int, Int) -> Void = { _, _ in }) -> HeadScores {
    let copy = tokens(seed)
    // What the last token of the second copy reads has nothing behind it in the first.
    let text = copy + copy.dropLast()
    for begin in stride(from: 0, to: length, by: Self.rowsOfFirstCopy) {
      run(text, begin..<min(begin + Self.rowsOfFirstCopy, length), observing: false)
      progress(begin, text.count)
    }
    let none = [Double](repeating: 0, count: shape.headCount)
    var echo = Array(repeating: none, count: shape.layerCount)
    var induction = echo
    for begin in stride(from: length, to: text.count, by: Self.rowsAtOnce) {
      run(text, begin..<min(begin + Self.rowsAtOnce, text.count), observing: true)
      for result in backend.tapResults {
        let (layer, position) = (result.tap.layer, begin + result.tap.rows.lowerBound)
        for head in 0..<shape.headCount {
          let weights = weights(result.heads[head], position: position, layer: layer)
          echo[layer][head] += weights(position - length)
          induction[layer][head] += weights(position - length + 1)
        }
      }
      progress(begin, text.count)
    }
    return HeadScores(echo: mean(echo), induction: mean(induction), shape: shape)
  }

  /// Tokens that all differ, as far as there are enough of them.
  private func tokens(_ seed: UInt64) -> [TokenID] {
    var source = RandomSource(seed: seed)
    var seen: Set<TokenID> = []
    var tokens: [TokenID] = []
    while tokens.count < length {
      let token = TokenID.random(in: 0..<TokenID(shape.vocabularySize), using: &source)
      if seen.insert(token).inserted || seen.count == shape.vocabularySize {
        tokens.append(token)
      }
    }
    return tokens
  }

  private func run(_ text: [TokenID], _ range: Range<Int>, observing: Bool) {
    var batch = ForwardBatch()
    batch.append(
      tokens: text[range], firstIndex: range.lowerBound,
      pages: (0..<store.arena.blockCount).map { PageID($0) })
    if observing {
      batch.taps = (0..<shape.layerCount).flatMap { layer in
        range.indices.map { index in
          let row = index - range.lowerBound
          return ScoreTap(slice: 0, layer: layer, rows: row..<row + 1, kind: .rawScores)
        }
      }
    }
    model.forward(
      batch, store: store, backend: backend, compute: compute, workspace: workspace)
  }

  /// The softmax of a token's products with the keys that it may read, as a function of the key.
  private func weights(
    _ products: [Float], position: Int, layer: Int
  ) -> (Int) -> Double {
    let first = configuration.window(ofLayer: layer).map { max(0, position + 1 - $0) } ?? 0
    let read = products[first...position]
    let largest = Double(read.max() ?? 0)
    let sum = read.reduce(0) { $0 + exp(Double($1) - largest) }
    return { read.indices.contains($0) ? exp(Double(read[$0]) - largest) / sum : 0 }
  }

  private func mean(_ sums: [[Double]]) -> [[Double]] {
    sums.map { $0.map { $0 / Double(length - 1) } }
  }
}

/// How much attention heads pay to what they have read before: [layers][heads], each number from 0 to 1.
package struct HeadScores: Sendable, Equatable {
  /// Of query heads, on the same token.
  package let echo: [[Double]]
  /// Of query heads, on the token behind it.
  package let induction: [[Double]]
  /// Of KV heads: the larger of both, of the query head that has most.
  package let heads: [[Double]]

  package init(echo: [[Double]], induction: [[Double]], shape: ModelShape) {
    self.echo = echo
    self.induction = induction
    let group = shape.headCount / shape.kvHeadCount
    heads = zip(echo, induction).map { echo, induction in
      let larger = zip(echo, induction).map { max($0, $1) }
      return (0..<shape.kvHeadCount).map { head in
        larger[head * group..<(head + 1) * group].max() ?? 0
      }
    }
  }

  /// One number a KV head: from 0.5 to 1 for the share of heads with the highest scores, below for all others; the
  /// higher the score, the higher the number.
  package func pattern(retrieval share: Double) -> [[Double]] {
    let ranked = heads.enumerated().flatMap { layer, scores in
      scores.enumerated().map { (layer: layer, head: $0, score: $1) }
    }.enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
    let count = Int((share * Double(ranked.count)).rounded())
    var pattern = heads
    for (rank, place) in ranked.map(\.element).enumerated() {
      pattern[place.layer][place.head] =
        rank < count
        ? 1 - 0.5 * Double(rank) / Double(count)
        : 0.5 * Double(ranked.count - 1 - rank) / Double(ranked.count - count)
    }
    return pattern
  }
}

package enum HeadFinderError: Error, Equatable, CustomStringConvertible {
  case wrongLength(Int, contextLength: Int)

  package var description: String {
    switch self {
    case .wrongLength(let length, let context):
      "a text of \(length) tokens cannot be read twice in a context of \(context); the least are 2, the most \(context / 2)"
    }
  }
}
