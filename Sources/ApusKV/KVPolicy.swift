import ApusCore

/// Which keys and values a sequence keeps, for each layer and KV head.
///
/// A policy sees what heads hold and names what they keep; the engine moves the numbers and gives the memory back. As
/// long as no head holds more than `capacity` and `slack`, nothing is done and the answer is exact.
public protocol KVPolicy: Sendable {
  /// Throws `CatalogError` for options that make no sense.
  init(options: PluginOptions) throws

  /// What is observed while the sequence runs.
  var needs: KVNeeds { get }
  var trigger: KVTrigger { get }
  var positions: KVPositions { get }
  /// What becomes of evicted keys and values.
  var evicted: KVEvicted { get }
  /// What is done with the prompt before it is read for good.
  var prelude: KVPrelude { get }

  /// Throws `KVPolicyError` when the policy cannot run on such a model.
  func validate(for shape: KVShape) throws

  /// Tokens that a head may hold after eviction, `Int.max` for one that keeps everything; a layer holds too much when
  /// one of its heads holds more.
  func capacity(layer: Int, head: Int, of shape: KVShape, promptCount: Int) -> Int

  /// Ascending indices of what each head of a layer keeps, the newest key among it, and everything where it fits.
  ///
  /// A head keeps at most its capacity. With the trigger `promptEnd` one may keep more, if the others of the layer keep
  /// as much less; and where `evicted` is `acrossLayers`, all keep everything.
  func retained(of layer: KVLayerView) -> [[Int]]

  /// Adds what was observed in a step, one number a key of a head, to its score, which has at most as many.
  ///
  /// `observed` is the attention of `vectors` query vectors, summed; `step` counts the steps with observations.
  func accumulate(_ observed: [Float], vectors: Int, step: Int, into score: inout [Float])
}

extension KVPolicy {
  public var needs: KVNeeds { KVNeeds() }
  public var trigger: KVTrigger { .promptEnd }
  public var positions: KVPositions { .original }
  public var evicted: KVEvicted { .forgotten }
  public var prelude: KVPrelude { .none }
  public func validate(for shape: KVShape) throws {}
  public func accumulate(_ observed: [Float], vectors: Int, step: Int, into score: inout [Float]) {
    score += repeatElement(0, count: observed.count - score.count)
    for index in observed.indices { score[index] += observed[index] }
  }
}

/// The layers and KV heads of a model.
public struct KVShape: Sendable, Equatable {
  public let layerCount: Int
  public let headCount: Int

  public init(layerCount: Int, headCount: Int) {
    self.layerCount = layerCount
    self.headCount = headCount
  }
}

/// What a policy has to know beside keys and values.
public struct KVNeeds: Sendable, Equatable {
  /// The query rows whose attention to each key is summed.
  public enum Rows: Sendable, Equatable {
    case none
    /// All that run.
    case every
    /// The last one of each step.
    case last
    /// So many at the end of the prompt.
    case promptEnd(Int)
    /// Those behind the prompt that a draft model wrote.
    case lookahead
  }

  public var mass = Rows.none
  /// -log p of each token when it was read, in nats.
  public var surprise = false

  public init(mass: Rows = .none, surprise: Bool = false) {
    self.mass = mass
    self.surprise = surprise
  }

  /// Those of the rows `range` of a sequence whose attention is wanted.
  public func observed(_ range: Range<Int>, promptCount: Int) -> Range<Int> {
    switch mass {
    case .none: range.lowerBound..<range.lowerBound
    case .every: range
    case .last: range.upperBound - 1..<range.upperBound
    case .promptEnd(let count): range.clamped(to: max(promptCount - count, 0)..<promptCount)
    case .lookahead: range.clamped(to: promptCount..<Int.max)
    }
  }
}

/// When heads that hold too much are cut back.
public enum KVTrigger: Sendable, Equatable {
  /// Once, when the prompt has been read; what comes later is kept.
  case promptEnd
  /// Whenever a head holds so many tokens more than its capacity, also between the parts of a prompt.
  case always(slack: Int)
}

/// The rotary positions of what is kept.
public enum KVPositions: Sendable, Equatable {
  case original
  /// Those in the cache: what is kept moves up to the newest key, without gaps.
  case compact
}

/// What becomes of what is evicted.
public enum KVEvicted: Sendable, Equatable {
  case forgotten
  /// It is merged into the most similar key that is kept.
  case merged(KVMerge)
  /// Its mean stands for it, weighted by how many there are, in heads that do not keep everything.
  case averaged
  /// From layer `start * layerCount` on, pairs of layers share one direction a token, but for the share `retained`
  /// of them whose directions differ most.
  case acrossLayers(start: Double, retained: Double)
}

/// How evicted keys and values are merged into kept ones (LOOK-M, arXiv:2406.18139).
public enum KVMerge: String, Sendable, CaseIterable {
  /// The mean of a kept one and all that come to it.
  case average
  /// The mean of the means of each pair.
  case pivotal
  /// Weighted by similarity.
  case weighted
}

/// What is done with a prompt longer than the budget before it is read for good.
public enum KVPrelude: Sendable, Equatable {
  case none
  /// The layers up to this one read it; the tokens that `retained` names for that layer then are the prompt.
  case filter(layer: Int)
  /// So many tokens that a draft model would answer are read behind it, and observed.
  case lookahead(tokens: Int, draft: String)
}

/// One layer of a sequence, as a policy sees it.
public struct KVLayerView: Sendable {
  public let layer: Int
  public let shape: KVShape
  public let promptCount: Int
  public let heads: [KVHeadView]

  public init(layer: Int, shape: KVShape, promptCount: Int, heads: [KVHeadView]) {
    self.layer = layer
    self.shape = shape
    self.promptCount = promptCount
    self.heads = heads
  }
}

/// What one head holds, in the order of the text.
public struct KVHeadView: Sendable {
  public let head: Int
  /// Tokens it may hold after eviction.
  public let capacity: Int
  /// The index in the text of each key.
  public let tokens: [Int32]
  /// What `accumulate` made of the observations, one number a key; empty where nothing is observed.
  public let score: [Float]
  /// -log p of each token of the text when it was read; empty where it is not needed.
  public let surprise: [Float]

  public init(
    head: Int, capacity: Int, tokens: [Int32], score: [Float] = [], surprise: [Float] = []
  ) {
    self.head = head
    self.capacity = capacity
    self.tokens = tokens
    self.score = score
    self.surprise = surprise
  }

  public var count: Int { tokens.count }
}

/// Why a policy cannot run.
public enum KVPolicyError: Error, Equatable, CustomStringConvertible {
  case wrongPattern(policy: String, option: String, layers: Int, heads: Int, expected: KVShape)
  case layerOutside(policy: String, option: String, layer: Int, layerCount: Int)

  public var description: String {
    switch self {
    case .wrongPattern(let policy, let option, let layers, let heads, let expected):
      "option \(option) of \(policy): the pattern has \(layers) layers of \(heads) heads, the model \(expected.layerCount) of \(expected.headCount)"
    case .layerOutside(let policy, let option, let layer, let count):
      "option \(option) of \(policy): there is no layer \(layer); the model has \(count)"
    }
  }
}
