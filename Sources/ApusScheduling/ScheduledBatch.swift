import ApusCore

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

  public struct PageCopy: Sendable, Equatable {
    public let source: PageID
    public let target: PageID
  }

  public var items: [Item] = []
  /// Sequences that gave up their place and wait again; what the prefix tree does not keep of them is run anew.
  public var preempted: [SequenceID] = []
  /// Pages that hold nothing any more.
  public var freedPages: [PageID] = []
  /// Pages to be copied, in this order, before the tokens run.
  public var copies: [PageCopy] = []
  /// Pages to be copied to the swap space or back; `Scheduler.finish` is told when they are.
  public var transfers: [PageTransfer] = []
  /// How long the step should take; 0 when unknown.
  public var expectedTime = StepTime()

  public init() {}

  /// Empties the batch and keeps its memory.
  mutating func removeAll() {
    items.removeAll(keepingCapacity: true)
    preempted.removeAll(keepingCapacity: true)
    freedPages.removeAll(keepingCapacity: true)
    copies.removeAll(keepingCapacity: true)
    transfers.removeAll(keepingCapacity: true)
    expectedTime = StepTime()
  }

  public var tokenCount: Int { items.reduce(0) { $0 + $1.range.count } }
}
