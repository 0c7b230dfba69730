import ApusCore

/// The part of a batch that belongs to one sequence, as attention sees it.
public struct AttentionSlice: Sendable {
  /// First row of the batch and number of rows.
  public var rowStart: Int
  public var rowCount: Int
  /// Index of the first row's own key; all earlier keys are stored.
  public var firstIndex: Int
  /// Slots of key page i: `pages[i] * pageStride + pageOffset(layer, head)`.
  public var pages: [PageID]
  /// What the layers and KV heads read where that is not the same for all; then `pages` and `firstIndex` say nothing.
  public var views: KeyViews?
  /// For a draft tree: which keys from `firstIndex` on each row reads, bit by bit; nil is causal.
  public var tree: [UInt64]?

  public init(
    rowStart: Int, rowCount: Int, firstIndex: Int, pages: [PageID], tree: [UInt64]? = nil,
    views: KeyViews? = nil
  ) {
    self.rowStart = rowStart
    self.rowCount = rowCount
    self.firstIndex = firstIndex
    self.pages = pages
    self.tree = tree
    self.views = views
  }

  /// Keys the last row can see, in a layer and KV head.
  public func keyCount(layer: Int, head: Int) -> Int {
    (views?[layer, head].firstIndex ?? firstIndex) + rowCount
  }

  public func splitCount(layer: Int, head: Int) -> Int {
    (keyCount(layer: layer, head: head) + Compute.attentionSplit - 1) / Compute.attentionSplit
  }
}

/// What one layer and KV head of a sequence reads.
public struct KeyView: Sendable {
  /// The slot of each page of keys.
  public var slots: [Int32] = []
  /// Index, in these pages, of the first row's own key.
  public var firstIndex = 0
  /// Of each page, which of its keys are read, bit by bit; empty means all.
  public var masks: [UInt32] = []
  /// Of each key: a factor of q·k, a summand of its scaled score and a factor of its value, [3][slots * 32]; empty means
  /// that there are none.
  public var terms: [Float] = []

  public init() {}
}

/// What each layer and KV head of a sequence reads.
///
/// Unchecked: a view is changed between operations by the engine's thread, or by the one worker that an operation gives
/// its head to; then the workers of a later operation read it, which begins when all workers of that one are done. The
/// array of boxes never changes.
public final class KeyViews: @unchecked Sendable {
  private final class Box {
    var view = KeyView()
  }

  private let boxes: [Box]
  private let headCount: Int

  public init(layerCount: Int, headCount: Int) {
    boxes = (0..<layerCount * headCount).map { _ in Box() }
    self.headCount = headCount
  }

  public subscript(layer: Int, head: Int) -> KeyView {
    _read { yield boxes[layer * headCount + head].view }
    _modify { yield &boxes[layer * headCount + head].view }
  }
}

/// What one KV head reads: everything, or sinks and a window.
public struct HeadRange: Sendable, Equatable {
  public var sinks: Int
  /// 0 means everything.
  public var window: Int

  public init(sinks: Int = 0, window: Int = 0) {
    self.sinks = sinks
    self.window = window
  }

  public static let full = HeadRange()
}

/// One layer's attention over a batch.
public struct AttentionLayer: Sendable {
  public var layer: Int
  /// Query heads of the model; the rows' queries start at column 0.
  public var headCount: Int
  public var scale: Float
  public var softcap: Float
  /// One a KV head.
  public var ranges: [HeadRange]

  public init(layer: Int, headCount: Int, scale: Float, softcap: Float = 0, ranges: [HeadRange]) {
    self.layer = layer
    self.headCount = headCount
    self.scale = scale
    self.softcap = softcap
    self.ranges = ranges
  }
}

/// A piece of attention work: query vectors of one slice and KV head over a range of splits.
public struct AttentionItem: Sendable, Equatable {
  public var slice: Int32
  public var head: Int32
  /// Query vectors: row * group + query head of the group.
  public var vectorBegin: Int32
  public var vectorEnd: Int32
  public var splitBegin: Int32
  public var splitEnd: Int32
  /// Where the partial result goes; -1 means straight to the output.
  public var partial: Int32

  var vectors: Range<Int> { Int(vectorBegin)..<Int(vectorEnd) }

  public init(
    slice: Int, head: Int, vectors: Range<Int>, splits: Range<Int>, partial: Int = -1
  ) {
    self.slice = Int32(slice)
    self.head = Int32(head)
    vectorBegin = Int32(vectors.lowerBound)
    vectorEnd = Int32(vectors.upperBound)
    splitBegin = Int32(splits.lowerBound)
    splitEnd = Int32(splits.upperBound)
    self.partial = Int32(partial)
  }
}

/// Partial results of one slice and KV head that together cover its keys.
public struct AttentionMerge: Sendable, Equatable {
  public var slice: Int32
  public var head: Int32
  public var vectorCount: Int32
  // Where the list says at which vector each partial starts, in the order of the keys.
  public var partBegin: Int32
  public var partEnd: Int32

  public init(slice: Int, head: Int, vectorCount: Int, parts: Range<Int>) {
    self.slice = Int32(slice)
    self.head = Int32(head)
    self.vectorCount = Int32(vectorCount)
    partBegin = Int32(parts.lowerBound)
    partEnd = Int32(parts.upperBound)
  }
}

/// Unfinished attention results: per query vector an unnormalised output, the maximum score and the sum of weights.
///
/// The log-sum-exp of a vector is maximum + log(sum); partials over disjoint keys merge exactly.
public struct PartialResults: ~Copyable {
  public let capacity: Int
  public let dimension: Int
  var outputs: Buffer<Float>
  var maxima: Buffer<Float>
  var sums: Buffer<Float>

  /// Room for `capacity` query vectors of `dimension` numbers.
  public init(capacity: Int, dimension: Int) {
    self.capacity = capacity
    self.dimension = dimension
    outputs = Buffer(count: capacity * dimension)
    maxima = Buffer(count: capacity)
    sums = Buffer(count: capacity)
  }

  /// The finished output of one vector.
  public func output(_ index: Int, count: Int) -> [Float] {
    outputs.array(index * dimension..<index * dimension + count).map { $0 / sums[index] }
  }

  public func logSumExp(_ index: Int) -> Float { maxima[index] + apusLog(sums[index]) }
}
