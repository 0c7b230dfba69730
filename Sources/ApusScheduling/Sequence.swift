import ApusCore

/// One text being read and continued, as the scheduler sees it.
public struct Sequence: Sendable {
  public let id: SequenceID
  /// The prompt and what was generated so far.
  public var tokens: [TokenID]
  public let promptCount: Int
  let limit: Int
  /// How many of the tokens have their keys and values stored.
  public internal(set) var computedCount = 0
  public internal(set) var pages: [PageID] = []
  public internal(set) var preemptionCount = 0

  /// `limit` is how many tokens it may come to have; their memory is reserved.
  public init(id: SequenceID, prompt: [TokenID], limit: Int = 0) {
    self.id = id
    tokens = prompt
    tokens.reserveCapacity(limit)
    promptCount = prompt.count
    self.limit = limit
  }

  /// Tokens still to be run before the next one can be sampled.
  public var pendingCount: Int { tokens.count - computedCount }
}

/// How many tokens of which sequence run in a step.
public struct ScheduledBatch: Sendable, Equatable {
  public struct Item: Sendable, Equatable {
    public let id: SequenceID
    /// Indices into the sequence's tokens.
    public let range: Range<Int>
    /// The last row's logits decide the next token.
    public let samples: Bool

    public init(id: SequenceID, range: Range<Int>, samples: Bool) {
      self.id = id
      self.range = range
      self.samples = samples
    }
  }

  public var items: [Item] = []
  /// Sequences that lost their pages and wait again; they are run anew from their first token.
  public var preempted: [SequenceID] = []
  /// Pages that became free because of preemption.
  public var freedPages: [PageID] = []

  public init() {}

  /// Empties the batch and keeps its memory.
  mutating func removeAll() {
    items.removeAll(keepingCapacity: true)
    preempted.removeAll(keepingCapacity: true)
    freedPages.removeAll(keepingCapacity: true)
  }

  public var tokenCount: Int { items.reduce(0) { $0 + $1.range.count } }
}
