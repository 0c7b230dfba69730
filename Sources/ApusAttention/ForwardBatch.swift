import ApusCompute
import ApusCore

/// The tokens of one step, sequence after sequence, without padding.
public struct ForwardBatch: Sendable {
  /// [rows]
  public var tokens: [TokenID] = []
  /// Rotary position of each row.
  public var positions: [Int32] = []
  /// Where each row's key and value go: block and token inside the block.
  public var blocks: [PageID] = []
  public var slotTokens: [Int32] = []
  public var slices: [AttentionSlice] = []
  /// Rows whose next-token logits are wanted.
  public var logitRows: [Int] = []
  /// What to observe while attending.
  public var taps: [ScoreTap] = []
  /// What chooses the keys that a slice of one row reads; shorter than `slices`, or nil, where all are read.
  public var selections: [SliceSelection?] = []
  /// The first layers only run, where nothing else is wanted; nil means all.
  public var layerLimit: Int?

  public init() {}

  public var rowCount: Int { tokens.count }

  /// Empties the batch and keeps its memory.
  public mutating func removeAll() {
    tokens.removeAll(keepingCapacity: true)
    positions.removeAll(keepingCapacity: true)
    blocks.removeAll(keepingCapacity: true)
    slotTokens.removeAll(keepingCapacity: true)
    slices.removeAll(keepingCapacity: true)
    logitRows.removeAll(keepingCapacity: true)
    taps.removeAll(keepingCapacity: true)
    selections.removeAll(keepingCapacity: true)
    layerLimit = nil
  }

  /// Adds tokens of one sequence whose first new key has index `firstIndex`.
  ///
  /// `parents` makes the tokens a draft tree: the parent of each token among them, -1 for the root's children; a
  /// token's position then is its depth. With `views`, heads keep different tokens, and `pages` are not looked at.
  public mutating func append(
    tokens new: ArraySlice<TokenID>, firstIndex: Int, pages: [PageID], parents: [Int]? = nil,
    views: KeyViews? = nil
  ) {
    let tree = parents.map { TreeMask(parents: $0) }
    slices.append(
      AttentionSlice(
        rowStart: rowCount, rowCount: new.count, firstIndex: firstIndex, pages: pages,
        tree: tree?.rows, views: views))
    for offset in 0..<new.count {
      let index = firstIndex + offset
      tokens.append(new[new.startIndex + offset])
      positions.append(Int32(tree.map { firstIndex + $0.depths[offset] } ?? index))
      blocks.append(views == nil ? pages[index / KVGeometry.pageSize] : 0)
      slotTokens.append(Int32(index % KVGeometry.pageSize))
    }
  }
}

/// Which draft tokens a draft token reads: its ancestors and itself.
public struct TreeMask: Sendable, Equatable {
  /// Bit j of row i: token i reads token j.
  public let rows: [UInt64]
  /// Distance from the root's children, which have depth 0.
  public let depths: [Int]

  /// At most 64 tokens, each after its parent.
  public init(parents: [Int]) {
    precondition(parents.count <= 64, "a draft tree has at most 64 tokens")
    var rows: [UInt64] = []
    var depths: [Int] = []
    for (index, parent) in parents.enumerated() {
      precondition(parent < index, "a parent stands before its children")
      rows.append((parent < 0 ? 0 : rows[parent]) | 1 << UInt64(index))
      depths.append(parent < 0 ? 0 : depths[parent] + 1)
    }
    self.rows = rows
    self.depths = depths
  }
}

/// A request to observe the attention of one slice in one layer.
public struct ScoreTap: Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    /// Attention mass per key, summed over the rows and the query heads of each KV head.
    case mass
    /// Scaled q·k of the last of the rows, one list a query head.
    case rawScores
  }

  public var slice: Int
  public var layer: Int
  public var rows: Range<Int>
  public var kind: Kind

  public init(slice: Int, layer: Int, rows: Range<Int>, kind: Kind) {
    self.slice = slice
    self.layer = layer
    self.rows = rows
    self.kind = kind
  }
}

/// What a tap saw: one list of [keys] a KV head (mass) or query head (raw scores).
public struct ScoreTapResult: Sendable, Equatable {
  public let tap: ScoreTap
  public let heads: [[Float]]
}
