import ApusCompute
import ApusKV

/// The choice of keys for one sequence: the selector, what it remembers of each head, and what it chose last.
///
/// Unchecked: between operations the engine's thread alone uses it. In `select` and `sumUp` the pool gives each head of
/// a layer to one worker, which changes that head's memory and view and nothing else. The pool's `run`
/// returns when all workers are done, and then the engine's thread adds the counts.
public final class SliceSelection: @unchecked Sendable {
  public let selector: any KeySelector
  /// Indices behind the last token of each sentence, ascending.
  public var sentences: [Int] = []
  /// Whether the rows at hand are the last of the prompt, so that all its keys can be summed up before the first token
  /// is written.
  public var endsPrompt = false
  /// Pages read by heads of layers, and how many heads of layers that were in all.
  public private(set) var pagesRead = 0
  public private(set) var headCount = 0
  /// What is read in the layer at hand.
  let views: KeyViews
  private var memories: [HeadMemory]
  private let geometry: KVGeometry

  public init(_ selector: any KeySelector, geometry: KVGeometry) {
    self.selector = selector
    self.geometry = geometry
    views = KeyViews(layerCount: geometry.layerCount, headCount: geometry.headCount)
    memories = (0..<geometry.slotsPerBlock).map { _ in HeadMemory() }
  }

  /// Forgets everything about keys, because some have been moved or lost.
  public func reset() {
    memories = (0..<geometry.slotsPerBlock).map { _ in HeadMemory() }
  }

  /// Whether some head holds more than is read at once.
  func applies(to slice: AttentionSlice) -> Bool {
    guard slice.rowCount == 1, slice.tree == nil else { return false }
    guard let views = slice.views else { return slice.firstIndex > selector.budget }
    return (0..<geometry.layerCount).contains { layer in
      (0..<geometry.headCount).contains { views[layer, $0].firstIndex > selector.budget }
    }
  }

  /// Lets the selector sum up the keys of one head of a layer.
  func sumUp(slice: AttentionSlice, layer: AttentionLayer, head: Int, store: KVStore) {
    let (all, first) = keys(slice, layer: layer.layer, head: head)
    let count = first + slice.rowCount
    guard count - 1 > selector.budget, layer.ranges[head].window == 0 else { return }
    let keys = HeadKeys(arena: store.arena, slots: all.slots, count: count, sentences: sentences) {
      _, _ in
      preconditionFailure("there is no query yet")
    }
    selector.update(memories[layer.layer * geometry.headCount + head], keys: keys)
  }

  /// Chooses what one head of a layer reads for the query vectors `vectors`.
  func select(
    _ vectors: [Float], slice: AttentionSlice, layer: AttentionLayer, head: Int, store: KVStore,
    compute: Compute
  ) {
    let (all, first) = keys(slice, layer: layer.layer, head: head)
    let memory = memories[layer.layer * geometry.headCount + head]
    let keys = HeadKeys(
      arena: store.arena, slots: all.slots, count: first + 1, sentences: sentences
    ) { slots, count in
      compute.rawScores(
        vectors: vectors, slots: slots, count: count, layer: layer, head: head,
        arena: store.arena)
    }
    var view = all
    // What a window leaves out is not to be chosen.
    if first > selector.budget, layer.ranges[head].window == 0 {
      selector.update(memory, keys: keys)
      var selection = KeySelection()
      selector.select(
        HeadQuery(vectors, dimension: geometry.headDimension), keys: keys, memory: memory,
        into: &selection)
      view = all.selecting(selection, keyCount: first)
    }
    views[layer.layer, head] = view
  }

  /// Counts what the heads of the layer read.
  func count(layer: Int) {
    for head in 0..<geometry.headCount {
      pagesRead += KVGeometry.pageCount(views[layer, head].firstIndex + 1)
      headCount += 1
    }
  }

  /// All keys of a head, and how many are stored before the one of the step.
  private func keys(_ slice: AttentionSlice, layer: Int, head: Int) -> (KeyView, Int) {
    if let views = slice.views { return (views[layer, head], views[layer, head].firstIndex) }
    var view = KeyView()
    view.firstIndex = slice.firstIndex
    let offset = Int32(layer * geometry.headCount + head)
    let size = Int32(geometry.slotsPerBlock)
    view.slots = slice.pages.map { $0 * size + offset }
    return (view, slice.firstIndex)
  }
}

extension KeyView {
  /// The chosen pages, and behind them those that are not complete.
  func selecting(_ selection: KeySelection, keyCount: Int) -> KeyView {
    let size = KVGeometry.pageSize
    let complete = keyCount / size
    let pages = selection.pages.map(Int.init) + (complete..<max(slots.count, complete))
    var view = KeyView()
    view.slots = pages.map { slots[$0] }
    view.firstIndex = selection.pages.count * size + keyCount % size
    if !selection.masks.isEmpty || !masks.isEmpty {
      view.masks = pages.indices.map { index in
        let chosen = index < selection.masks.count ? selection.masks[index] : .max
        return masks.isEmpty ? chosen : chosen & masks[pages[index]]
      }
    }
    if !terms.isEmpty {
      let planeSize = terms.count / 3
      for plane in 0..<3 {
        for page in pages {
          let start = plane * planeSize + page * size
          view.terms += terms[start..<start + size]
        }
      }
    }
    return view
  }
}
