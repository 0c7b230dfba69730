import ApusCore

/// One text being read and continued, as the scheduler sees it.
public struct Sequence: Sendable {
  public let id: SequenceID
  /// The prompt and what was generated so far.
  public var tokens: [TokenID]
  public internal(set) var promptCount: Int
  let limit: Int
  public let attributes: SequenceAttributes
  /// How many of the tokens have their keys and values stored.
  public internal(set) var computedCount = 0
  /// Tokens of the prompt whose keys and values were there already.
  public internal(set) var cachedCount = 0
  public internal(set) var pages: [PageID] = []
  public internal(set) var preemptionCount = 0

  /// Its place among all arrivals.
  var order: UInt64 = 0
  /// When it came or was preempted, in the caller's seconds.
  var waitingSince = 0.0
  /// The node of the last page that stands in the prefix tree, and how many do.
  var node = PrefixTree.none
  var treePageCount = 0

  /// What it keeps, where that is not everything; its pages are then its own.
  var kept: KeptTokens?

  /// Seconds that running one page of it anew takes.
  var secondsPerPage = Double.infinity

  /// `limit` is how many tokens it may come to have; their memory is reserved.
  public init(
    id: SequenceID, prompt: [TokenID], limit: Int = 0,
    attributes: SequenceAttributes = SequenceAttributes()
  ) {
    self.id = id
    tokens = prompt
    tokens.reserveCapacity(limit)
    promptCount = prompt.count
    self.limit = limit
    self.attributes = attributes
  }

  /// Tokens whose pages it holds when `tokens` are computed, if all heads keep the same.
  func residentCount(_ tokens: Int) -> Int { min(tokens, attributes.residentLimit ?? tokens) }

  /// Tokens still to be run before the next one can be sampled.
  public var pendingCount: Int { tokens.count - computedCount }
  /// It has more to read than the token that was sampled last.
  var isReading: Bool { pendingCount > 1 || tokens.count == promptCount }

  /// An order in which sequences that begin with the same pages of the tree are neighbours.
  func precedesInTree(_ other: Sequence) -> Bool {
    let own = pages[..<treePageCount]
    let theirs = other.pages[..<other.treePageCount]
    if own.lexicographicallyPrecedes(theirs) { return true }
    return own == theirs && order < other.order
  }
}

/// What a request asks of the scheduler.
public struct SequenceAttributes: Sendable, Equatable {
  /// Whoever shares the machine fairly with others: an API key or a user.
  public var tenant = ""
  /// Lower is sooner.
  public var priority = 0
  /// Texts under different salts share no pages.
  public var salt = ""
  /// Whether stored pages may stand for parts of the prompt.
  public var reusesPrefix = true
  /// Tokens at the end of the text that are run in any case, at least the one whose logits are wanted.
  public var runCount = 1
  /// Whether its pages may stand for parts of later prompts.
  public var leavesPages = true
  /// Tokens that it holds at most, because older ones are given up; nil means all.
  public var residentLimit: Int?

  public init() {}
}

/// How much each head of each layer keeps of a sequence.
struct KeptTokens: Sendable {
  /// Tokens that each head takes pages for, when `since` of the text were computed; all later ones come to these.
  var counts: [Int]
  var since: Int

  /// Pages that hold them when `tokens` of the text are computed; a page has room for `pageSize` tokens of all heads.
  func pageCount(_ tokens: Int, pageSize: Int) -> Int {
    let more = tokens - since
    let slots = counts.reduce(0) { $0 + ($1 + more + pageSize - 1) / pageSize }
    return (slots + counts.count - 1) / counts.count
  }
}
