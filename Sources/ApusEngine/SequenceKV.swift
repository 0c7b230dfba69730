import ApusAttention
import ApusCompute
import ApusCore
import ApusKV
import ApusModels
import ApusScheduling

/// The keys and values of one request that are not all kept, or not all read.
final class SequenceKV {
  let methods: KVMethods
  private let store: KVStore
  private let shape: KVShape
  /// Query heads of a KV head.
  private let group: Int
  private let rotations: [KeyRotation?]
  let promptCount: Int
  /// Tokens that each head may hold after eviction, [layers * heads]; empty without a policy.
  private let capacities: [Int]
  /// What the heads keep, once that differs from head to head.
  private(set) var cache: SequenceCache?
  private(set) var selection: SliceSelection?
  /// What a policy made of the attention to each key, [layers * heads][keys].
  private var scores: [[Float]]
  private var observedSteps = 0
  /// -log p of each token of the text, where the policy needs it.
  private(set) var surprise: [Float] = []
  private var evictions = 0
  /// Indices behind the tokens that end sentences, of the first tokens of the text.
  private var sentenceEnds: [Int] = []
  private var scannedCount = 0
  /// What is still to be done with the prompt before it is read for good.
  private(set) var prelude: KVPrelude
  /// The prompt is read, whatever is still to be run of it.
  private var isPromptRead = false
  /// Of the prompt only some tokens were taken.
  private var isFiltered = false

  init(
    _ methods: KVMethods, store: KVStore, group: Int, rotations: [KeyRotation?],
    promptCount: Int
  ) {
    self.group = group
    self.methods = methods
    self.store = store
    self.rotations = rotations
    self.promptCount = promptCount
    shape = KVShape(
      layerCount: store.geometry.layerCount, headCount: store.geometry.headCount)
    selection = methods.selector.map { SliceSelection($0, geometry: store.geometry) }
    scores = Array(repeating: [], count: store.geometry.slotsPerBlock)
    prelude = .none
    capacities =
      methods.policy.map { [shape] in shape.capacities($0, promptCount: promptCount) } ?? []
    if let policy = methods.policy, promptCount > capacities.min() ?? .max {
      prelude = policy.prelude
    }
  }

  var isPreparing: Bool { prelude != .none }
  var needsSurprise: Bool { methods.policy?.needs.surprise ?? false }

  /// What took part in the answer.
  var methodNames: [String] {
    var names: [String] = []
    if evictions > 0 { names.append(methods.policyName) }
    if selection?.headCount ?? 0 > 0 { names.append(methods.selectorName) }
    return names
  }

  /// Adds what differs from a request that keeps and reads everything.
  func complete(_ report: inout KVReport) {
    if let cache {
      report.keptTokens = Double(cache.counts.reduce(0, +)) / Double(cache.counts.count)
      report.pagesRead = (report.keptTokens / Double(KVGeometry.pageSize)).rounded(.up)
    }
    if let selection, selection.headCount > 0 {
      report.pagesRead = Double(selection.pagesRead) / Double(selection.headCount)
    }
  }

  /// Starts anew, because the text is run anew.
  func reset() {
    cache = nil
    isPromptRead = false
    selection?.reset()
    scores = Array(repeating: [], count: scores.count)
    observedSteps = 0
  }
}

// MARK: - In a step

extension SequenceKV {
  /// Prepares the tokens `range` of the text, which are slice `slice` of a batch, in the sequence's pages.
  func begin(
    _ range: Range<Int>, of sequence: ApusScheduling.Sequence, slice: Int,
    batch: inout ForwardBatch, endsSentence: ((TokenID) -> Bool)?
  ) {
    if let cache {
      cache.take(sequence.pages)
      cache.reserve(range.count)
    }
    if let selection {
      if selection.selector.needsSentences, let endsSentence {
        // Of what is evicted nothing is known any more, so neither where a sentence ends.
        selection.sentences =
          cache == nil ? sentences(to: range.upperBound, sequence.tokens, endsSentence) : []
      }
      // What a policy drops after the prompt need not be summed up.
      selection.endsPrompt =
        methods.policy == nil && range.count > 1 && range.upperBound == promptCount
      while batch.selections.count < slice { batch.selections.append(nil) }
      batch.selections.append(selection)
    }
    guard let policy = methods.policy else { return }
    let rows = policy.needs.observed(range, promptCount: promptCount)
    guard !rows.isEmpty else { return }
    let layers = 0..<shape.layerCount
    for layer in prelude.observedLayers(layers) {
      batch.taps.append(
        ScoreTap(
          slice: slice, layer: layer,
          rows: rows.lowerBound - range.lowerBound..<rows.upperBound - range.lowerBound, kind: .mass
        ))
    }
  }

  private func sentences(
    to end: Int, _ tokens: [TokenID], _ endsSentence: (TokenID) -> Bool
  ) -> [Int] {
    for index in min(scannedCount, end)..<end where endsSentence(tokens[index]) {
      sentenceEnds.append(index + 1)
    }
    scannedCount = max(scannedCount, end)
    return sentenceEnds
  }

  /// Notes that the tokens `range` have run, and what was observed.
  func end(_ range: Range<Int>, _ observed: some Swift.Sequence<ScoreTapResult>) {
    cache?.wrote(range)
    var hasObserved = false
    for result in observed {
      hasObserved = true
      for (head, mass) in result.heads.enumerated() {
        let index = result.tap.layer * shape.headCount + head
        // What stands for evicted keys has no score.
        let leading = cache?.leading(layer: result.tap.layer, head: head) ?? 0
        methods.policy?.accumulate(
          Array(mass[leading...]), vectors: result.tap.rows.count * group,
          step: observedSteps, into: &scores[index])
      }
    }
    if hasObserved { observedSteps += 1 }
  }

  /// Notes -log p of the token with that index.
  func note(surprise number: Float, of token: Int) {
    while surprise.count <= token { surprise.append(0) }
    surprise[token] = number
  }
}

// MARK: - Between steps

extension SequenceKV {
  /// What is to be evicted now that `computedCount` tokens are stored; nil while nothing is.
  func eviction(computedCount: Int) -> KVEviction? {
    guard let policy = methods.policy, prelude == .none, !isFiltered else { return nil }
    var slack = 0
    switch policy.trigger {
    case .promptEnd:
      guard cache == nil, isPromptRead || computedCount >= promptCount else { return nil }
    case .always(let more):
      slack = more
    }
    let exceeds = capacities.indices.contains {
      let held = cache?.tokenCount($0) ?? computedCount
      return held > slack && held - slack > capacities[$0]
    }
    guard exceeds else { return nil }
    return KVEviction(
      retained: retained(policy, computedCount), evicted: policy.evicted,
      positions: policy.positions, rotations: rotations)
  }

  private func retained(_ policy: any KVPolicy, _ computedCount: Int) -> [[Int]] {
    (0..<shape.layerCount).flatMap { layer in
      policy.retained(of: view(policy, layer, computedCount))
    }
  }

  private func view(
    _ policy: any KVPolicy, _ layer: Int, _ computedCount: Int
  ) -> KVLayerView {
    let all = cache == nil ? (0..<Int32(computedCount)).map { $0 } : []
    return KVLayerView(
      layer: layer, shape: shape, promptCount: promptCount,
      heads: (0..<shape.headCount).map { head in
        let index = layer * shape.headCount + head
        let tokens = cache?.tokens(layer: layer, head: head) ?? all
        let score = scores[index]
        return KVHeadView(
          head: head, capacity: capacities[index], tokens: tokens,
          // Keys that nobody has read since they were written.
          score: policy.needs.mass == .none
            ? []
            : Array(score.prefix(tokens.count))
              + repeatElement(0, count: max(tokens.count - score.count, 0)),
          surprise: surprise)
      })
  }

  /// For how many keys each head will take pages; of no meaning where it has pages of its own already.
  func pagedCounts(_ eviction: KVEviction, computedCount: Int) -> [Int] {
    eviction.pagedCounts(of: computedCount, geometry: store.geometry)
  }

  /// Evicts, into `pages` of the sequence's own in place of the pages `old` where it has none yet.
  func evict(_ eviction: KVEviction, from old: [PageID], computedCount: Int, into pages: [PageID]) {
    if let cache {
      cache.take(pages)
      cache.evict(eviction)
    } else {
      let cache = SequenceCache(store: store)
      cache.take(pages)
      cache.fill(from: old, count: computedCount, eviction)
      self.cache = cache
    }
    for index in scores.indices where !scores[index].isEmpty {
      let score = scores[index]
      scores[index] = eviction.retained[index].map { $0 < score.count ? score[$0] : 0 }
    }
    selection?.reset()
    evictions += 1
  }

  /// The tokens of the prompt that its early layers chose, once all of it has been read up to `layer`.
  func filtered(layer: Int, computedCount: Int) -> [Int]? {
    guard let policy = methods.policy else { return nil }
    return policy.retained(of: view(policy, layer, computedCount)).first
  }

  /// The chosen tokens are the prompt from now on.
  func endFilter() {
    prelude = .none
    isFiltered = true
    evictions += 1
    reset()
  }

  /// What was observed behind the prompt decides what is kept of it.
  func endLookahead() {
    prelude = .none
    isPromptRead = true
  }
}

extension KVPrelude {
  /// Of all layers, those whose attention matters.
  fileprivate func observedLayers(_ layers: Range<Int>) -> Range<Int> {
    if case .filter(let layer) = self { return layer..<layer + 1 }
    return layers
  }
}
