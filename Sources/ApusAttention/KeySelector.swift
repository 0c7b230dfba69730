import ApusCompute
import ApusCore

/// Which stored keys a head reads in a step; nothing is lost, the next step may read others.
///
/// Used for sequences that add one token; all others read everything. A selection is made of pages of 32 keys, of which
/// single keys may be left out. As long as a head holds no more than `budget` keys, it reads all and the answer is exact.
public protocol KeySelector: Sendable {
  /// Throws `CatalogError` for options that make no sense.
  init(options: PluginOptions) throws

  /// Keys that a head reads in a step, beside those of the last page.
  var budget: Int { get }
  /// Whether `HeadKeys.sentences` is filled.
  var needsSentences: Bool { get }

  /// Brings what is remembered about a head up to date; called before `select`, on any thread, one head at a time.
  func update(_ memory: HeadMemory, keys: HeadKeys)

  /// Chooses among the complete pages of a head; the incomplete one is read in any case.
  ///
  /// Called on any thread, one head at a time, with what `update` left.
  func select(_ query: HeadQuery, keys: HeadKeys, memory: HeadMemory, into selection: inout KeySelection)
}

extension KeySelector {
  public var needsSentences: Bool { false }
  public func update(_ memory: HeadMemory, keys: HeadKeys) {}
}

/// A selector that ranks pages by a product of what it keeps of each page and what it makes of the query.
public protocol PageSelector: KeySelector {
  /// Steps that read the same pages before others are chosen.
  var reuse: Int { get }
  /// Pages at the start and the end of the text that are read in any case.
  var sinkPages: Int { get }
  var recentPages: Int { get }

  /// Numbers that stand for a page whose keys have `dimension` components.
  func summaryCount(dimension: Int) -> Int
  /// What stands for a page of 32 keys, [32][dimension].
  func summary(of keys: [[Float]]) -> [Float]
  /// What the summaries are multiplied by, for one query vector; the probes of a head's query vectors are added.
  func probe(_ query: ArraySlice<Float>) -> [Float]
}

extension PageSelector {
  public var sinkPages: Int { 1 }
  public var recentPages: Int { 4 }

  public func update(_ memory: HeadMemory, keys: HeadKeys) {
    for page in memory.pages.count..<max(keys.pageCount, memory.pages.count) {
      memory.pages.append(summary(of: keys.keys(ofPage: page)))
    }
  }

  public func select(
    _ query: HeadQuery, keys: HeadKeys, memory: HeadMemory, into selection: inout KeySelection
  ) {
    if memory.age > 0, memory.age < reuse {
      memory.age += 1
      selection.pages = memory.selected
      // Pages that were completed since.
      for page in memory.selectedPageCount..<keys.pageCount { selection.pages.append(Int32(page)) }
      return
    }
    var sum = [Float](repeating: 0, count: summaryCount(dimension: query.dimension))
    for vector in 0..<query.count {
      for (index, number) in probe(query[vector]).enumerated() { sum[index] += number }
    }
    memory.pages.scores(sum, into: &memory.scores)
    selection.pages = HeadMemory.best(
      memory.scores, pageCount: keys.pageCount, limit: budget / HeadKeys.pageSize,
      sinks: sinkPages, recent: recentPages)
    memory.selected = selection.pages
    memory.selectedPageCount = keys.pageCount
    memory.age = 1
  }
}

/// What one head of a layer of a sequence reads in a step.
public struct KeySelection: Sendable {
  /// Complete pages, ascending.
  public var pages: [Int32] = []
  /// Of each of them, which of its 32 keys are read, bit by bit; empty means all.
  public var masks: [UInt32] = []

  public init() {}
}

/// The query vectors of one KV head in a step.
public struct HeadQuery {
  let numbers: [Float]
  public let dimension: Int

  /// `numbers` are the vectors, one behind the other.
  public init(_ numbers: [Float], dimension: Int) {
    self.numbers = numbers
    self.dimension = dimension
  }

  /// Query heads of the KV head.
  public var count: Int { numbers.count / dimension }

  public subscript(vector: Int) -> ArraySlice<Float> {
    numbers[vector * dimension..<(vector + 1) * dimension]
  }

  public var all: [Float] { numbers }
}

/// The keys that one head of a layer of a sequence holds.
public struct HeadKeys {
  public static let pageSize = KVGeometry.pageSize

  let arena: KVArena
  /// The slot of each page.
  let slots: [Int32]
  /// Keys, the one of the step among them.
  public let count: Int
  /// Indices behind the last key of each sentence, ascending; empty where they are not needed.
  public let sentences: [Int]
  /// Products of the step's query vectors with all keys, scaled: [vectors][count].
  let products: () -> [[Float]]

  /// `slots` names the slot of each page, `products` computes what `scores` returns.
  public init(
    arena: KVArena, slots: [Int32], count: Int, sentences: [Int] = [],
    products: @escaping () -> [[Float]]
  ) {
    self.arena = arena
    self.slots = slots
    self.count = count
    self.sentences = sentences
    self.products = products
  }

  /// Complete pages without the key of the step.
  public var pageCount: Int { (count - 1) / Self.pageSize }

  public func key(_ index: Int) -> [Float] {
    arena.key(slot: Int(slots[index / Self.pageSize]), token: index % Self.pageSize)
  }

  /// All keys of a complete page.
  public func keys(ofPage page: Int) -> [[Float]] {
    (0..<Self.pageSize).map { arena.key(slot: Int(slots[page]), token: $0) }
  }

  /// Scaled q·k of each of the step's query vectors with all keys: [vectors][count]; reads all of them.
  public func scores() -> [[Float]] { products() }
}

/// What a selector remembers about one head of a layer of a sequence.
public final class HeadMemory {
  /// What stands for each complete page, or for other groups of keys.
  public var pages = SummaryTable()
  /// The last selection, of a text of so many complete pages, and how many steps have used it.
  public var selected: [Int32] = []
  public var selectedMasks: [UInt32] = []
  public var selectedPageCount = 0
  public var age = 0
  /// The query vectors of the last selection.
  public var query: [Float] = []
  /// Anything else: groups of keys, their sizes.
  public var groups: [Int32] = []
  public var numbers: [Float] = []
  var scores: [Float] = []

  public init() {}

  /// The first `sinks` and last `recent` of `pageCount` pages and, of the others, those of the highest scores, ascending;
  /// `limit` in all.
  public static func best(
    _ scores: [Float], pageCount: Int, limit: Int, sinks: Int, recent: Int
  ) -> [Int32] {
    guard pageCount > limit else { return (0..<Int32(pageCount)).map { $0 } }
    let recent = min(recent, limit)
    let sinks = min(sinks, limit - recent)
    let middle = sinks..<pageCount - recent
    let wanted = limit - sinks - recent
    var chosen: [Int] = []
    if wanted > 0 {
      // The score of the last one that is chosen, then those above it and as many equals as fit.
      let bound = middle.map { scores[$0] }.sorted(by: >)[wanted - 1]
      var equals = wanted - middle.count { scores[$0] > bound }
      for page in middle {
        if scores[page] > bound {
          chosen.append(page)
        } else if scores[page] == bound, equals > 0 {
          chosen.append(page)
          equals -= 1
        }
      }
    }
    return (0..<sinks).map(Int32.init) + chosen.map(Int32.init)
      + (middle.upperBound..<pageCount).map(Int32.init)
  }
}
