import ApusCompute
import ApusCore

/// Which stored keys a head reads in a step; nothing is lost, the next step may read others.
///
/// Used for sequences that add one token; all others read everything. A selection is made of pages
/// of 32 keys, of which single keys may be left out. As long as a head holds no more than `budget`
/// keys, it reads all and the answer is exact.
public protocol KeySelector: Sendable {
  /// Throws `CatalogError` for options that make no sense.
  init(options: PluginOptions) throws

  /// Keys that a head reads in a step, beside those of the last page.
  var budget: Int { get }
  /// Whether `HeadKeys.sentences` is filled.
  var needsSentences: Bool { get }

  /// Brings what is remembered about a head up to date; called at the end of the prompt, where there
  /// is no query and no score yet, and before `select`, on any thread, one head at a time.
  func update(_ memory: HeadMemory, keys: HeadKeys)

  /// Chooses among the complete pages of a head; the incomplete one is read in any case.
  ///
  /// Called on any thread, one head at a time, with what `update` left.
  func select(
    _ query: HeadQuery, keys: HeadKeys, memory: HeadMemory, into selection: inout KeySelection)
}

extension KeySelector {
  public var needsSentences: Bool { false }
  public func update(_ memory: HeadMemory, keys: HeadKeys) {}
}

/// What one head of a layer of a sequence reads in a step.
public struct KeySelection: Sendable {
  /// Complete pages, ascending.
  public var pages: [Int32] = []
  /// Of each of them, which of its 32 keys are read, bit by bit; empty means all.
  public var masks: [UInt32] = []

  public init() {}

  /// Keys of the selection.
  public var keyCount: Int {
    masks.isEmpty
      ? pages.count * HeadKeys.pageSize : masks.reduce(0) { $0 + $1.nonzeroBitCount }
  }
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

  /// The sum of the vectors, whose product with a key is the sum of theirs.
  public func sum() -> [Float] {
    var sum = Array(self[0])
    for index in dimension..<max(numbers.count, dimension) {
      sum[index % dimension] += numbers[index]
    }
    return sum
  }
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
  /// Products of the step's query vectors with the first keys of some slots, scaled: [vectors * keys].
  let products: (_ slots: [Int32], _ count: Int) -> [Float]

  /// `slots` names the slot of each page, `products` computes what `scores` returns.
  public init(
    arena: KVArena, slots: [Int32], count: Int, sentences: [Int] = [],
    products: @escaping (_ slots: [Int32], _ count: Int) -> [Float]
  ) {
    self.arena = arena
    self.slots = slots
    self.count = count
    self.sentences = sentences
    self.products = products
  }

  /// Complete pages without the key of the step.
  public var pageCount: Int { (count - 1) / Self.pageSize }
  /// Components of a key.
  public var dimension: Int { arena.geometry.headDimension }

  public func key(_ index: Int) -> [Float] {
    arena.key(slot: Int(slots[index / Self.pageSize]), token: index % Self.pageSize)
  }

  /// Adds the keys of `range` to `rows`.
  public func load(_ range: Range<Int>, into rows: inout KeyRows) {
    var index = range.lowerBound
    while index < range.upperBound {
      let page = index / Self.pageSize
      let end = min(range.upperBound, (page + 1) * Self.pageSize)
      rows.append(
        keys: index - page * Self.pageSize..<end - page * Self.pageSize, ofSlot: Int(slots[page]),
        in: arena)
      index = end
    }
  }

  /// Scaled q·k of each of the step's query vectors with all keys, one vector behind the other: [vectors * count];
  /// reads all of them.
  public func scores() -> [Float] { products(slots, count) }

  /// The same with the keys of some pages alone: [vectors * pages * 32].
  public func scores(ofPages pages: [Int32]) -> [Float] {
    products(pages.map { slots[Int($0)] }, pages.count * Self.pageSize)
  }
}

/// What a selector remembers about one head of a layer of a sequence.
public final class HeadMemory {
  /// What stands for each logical page.
  var parts = SummaryPages()
  /// What stands for other groups of keys.
  public var pages = SummaryTable()
  /// The last selection, of a text of so many complete pages, and how many steps have used it.
  public private(set) var selected = KeySelection()
  public private(set) var selectedPageCount = 0
  public var age = 0
  /// The query vectors of the last selection.
  public var query: [Float] = []
  /// Anything else: where groups of keys end, where something began, sums.
  public var groups: [Int32] = []
  public var start = 0
  public var numbers: [Float] = []
  /// The keys by their directions.
  var clusters = KeyClusters()
  var scores: [Float] = []

  public init() {}

  /// Keeps a selection among `pageCount` complete pages for `repeatSelection`; its age is one step.
  public func remember(_ selection: KeySelection, pageCount: Int) {
    selected = selection
    selectedPageCount = pageCount
    age = 1
  }

  /// Selects what was selected last and the pages completed since, which makes it a step older;
  /// false where nothing was, or where that would be more than `limit` keys.
  public func repeatSelection(
    pageCount: Int, limit: Int, into selection: inout KeySelection
  ) -> Bool {
    guard age > 0, pageCount >= selectedPageCount else { return false }
    if pageCount > selectedPageCount {
      let new = selectedPageCount..<pageCount
      guard selected.keyCount + new.count * HeadKeys.pageSize <= limit else { return false }
      if !selected.masks.isEmpty { selected.masks += new.map { _ in UInt32.max } }
      selected.pages += new.map(Int32.init)
      selectedPageCount = pageCount
    }
    age += 1
    selection = selected
    return true
  }

  /// The first `sinks` and last `recent` of `pageCount` pages and, of the others, those of the
  /// highest scores, ascending; `limit` in all.
  public static func best(
    _ scores: [Float], pageCount: Int, limit: Int, sinks: Int, recent: Int
  ) -> [Int32] {
    guard pageCount > limit else { return (0..<Int32(pageCount)).map { $0 } }
    let recent = min(recent, limit)
    let sinks = min(sinks, limit - recent)
    let middle = sinks..<pageCount - recent
    let chosen = Ranking(scores, in: middle, limit: limit - sinks - recent).chosen
    return (0..<Int32(sinks)) + chosen.sorted() + (Int32(middle.upperBound)..<Int32(pageCount))
  }
}
