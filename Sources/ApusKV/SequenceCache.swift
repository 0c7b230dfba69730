import ApusCompute
import ApusCore

/// The keys and values of a sequence whose heads keep different tokens, in slots of its own.
///
/// Used on the engine's thread.
public final class SequenceCache {
  /// What each layer and head holds, as attention reads it; behind it there is room for the tokens of a step.
  public let views: KeyViews
  let store: KVStore
  private var blocks: [PageID] = []
  private var freeSlots: [Int32] = []
  /// [layers * heads]
  var heads: [HeadCache]

  public init(store: KVStore) {
    self.store = store
    let geometry = store.geometry
    views = KeyViews(layerCount: geometry.layerCount, headCount: geometry.headCount)
    heads = Array(repeating: HeadCache(), count: geometry.slotsPerBlock)
  }

  var geometry: KVGeometry { store.geometry }

  /// Keys that each head of each layer holds, [layers * heads], those that stand for evicted ones among them.
  public var counts: [Int] {
    (0..<heads.count).map { views[$0 / geometry.headCount, $0 % geometry.headCount].firstIndex }
  }

  /// Indices in the text of the tokens that a head holds.
  public func tokens(layer: Int, head: Int) -> [Int32] {
    heads[layer * geometry.headCount + head].tokens
  }

  /// How many tokens the head of that index, layer * heads + head, holds.
  public func tokenCount(_ index: Int) -> Int { heads[index].tokens.count }

  /// Keys before them that stand for others.
  public func leading(layer: Int, head: Int) -> Int {
    heads[layer * geometry.headCount + head].leading
  }

  /// Takes pages of the sequence that it did not have before.
  public func take(_ pages: [PageID]) {
    for page in pages[blocks.count...] {
      blocks.append(page)
      let first = Int32(store.arena.slot(block: page, layer: 0, head: 0))
      freeSlots += (first..<first + Int32(geometry.slotsPerBlock)).reversed()
    }
  }

  /// Makes room behind the keys of every head for `count` more tokens, out of the pages that were taken.
  public func reserve(_ count: Int) {
    for layer in 0..<geometry.layerCount {
      for head in 0..<geometry.headCount {
        reserve(views[layer, head].firstIndex + count, layer, head)
      }
    }
  }

  /// Notes that the tokens `range` of the text have been written behind the keys of every head.
  public func wrote(_ range: Range<Int>) {
    for layer in 0..<geometry.layerCount {
      for head in 0..<geometry.headCount {
        views[layer, head].firstIndex += range.count
        heads[layer * geometry.headCount + head].tokens += range.map(Int32.init)
      }
    }
  }

  /// Room for so many keys of a head; what is not needed any more is free for others.
  func reserve(_ count: Int, _ layer: Int, _ head: Int) {
    let needed = KVGeometry.pageCount(count)
    while views[layer, head].slots.count > needed {
      freeSlots.append(views[layer, head].slots.removeLast())
    }
    while views[layer, head].slots.count < needed {
      guard let slot = freeSlots.popLast() else {
        preconditionFailure("\(blocks.count) pages are too few for the keys of a sequence")
      }
      views[layer, head].slots.append(slot)
    }
    heads[layer * geometry.headCount + head].fitTerms(&views[layer, head])
  }

  /// The slot and place of key `index` of a head.
  func place(_ index: Int, _ layer: Int, _ head: Int) -> (slot: Int, token: Int) {
    let size = KVGeometry.pageSize
    return (Int(views[layer, head].slots[index / size]), index % size)
  }
}

/// What is known about the keys of one head beside the numbers.
struct HeadCache {
  /// Index in the text of each key, in the order of the text.
  var tokens: [Int32] = []
  /// Keys before these that stand for others.
  var leading = 0
  /// How many evicted keys the leading one is the mean of.
  var averagedCount = 0
  /// Keys that have been moved in position, as they were written, so that rounding does not add up.
  var anchors: [Anchor] = []

  struct Anchor {
    let token: Int32
    let position: Int32
    let key: [Float]
  }

  /// Gives new pages of a view that has terms the neutral ones.
  func fitTerms(_ view: inout KeyView) {
    guard !view.terms.isEmpty else { return }
    let (old, new) = (view.terms.count / 3, view.slots.count * KVGeometry.pageSize)
    guard old != new else { return }
    let neutral: [Float] = [1, 0, 1]
    view.terms = (0..<3).flatMap { plane in
      let kept = view.terms[plane * old..<plane * old + min(old, new)]
      return kept + Array(repeating: neutral[plane], count: max(new - old, 0))
    }
  }
}
