/// A snapshot of the engine, taken after its last step.
public struct EngineStatistics: Sendable, Equatable {
  public struct Counters: Sendable, Equatable {
    public var steps = 0
    public var batchedTokens = 0
    public var promptTokens = 0
    /// Of these, the ones whose keys and values were there already.
    public var cachedTokens = 0
    public var generatedTokens = 0
    public var finished = 0
    public var preemptions = 0
    /// Pages copied to the swap space or back.
    public var swappedPages = 0
  }

  public var running = 0
  public var waiting = 0
  public var pageCount = 0
  /// Pages that running requests use.
  public var usedPages = 0
  /// Of these, the ones that more than one of them uses.
  public var sharedPages = 0
  /// Pages that nobody uses and that hold text which may come again.
  public var cachedPages = 0
  public var counters = Counters()
}
