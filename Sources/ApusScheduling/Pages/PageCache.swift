import ApusCore

/// The pages of all sequences, and those that finished ones left in the prefix tree.
struct PageCache: Sendable {
  var pool: PagePool
  /// nil when pages are not shared.
  var tree: PrefixTree?
  let pageSize: Int
  var swap: SwapPlan

  init(pageCount: Int, pageSize: Int, sharesPrefixes: Bool, swapSlotCount: Int = 0) {
    pool = PagePool(pageCount: pageCount)
    tree =
      sharesPrefixes ? PrefixTree(pageSize: pageSize, swapSlotCount: swapSlotCount) : nil
    self.pageSize = pageSize
    swap = SwapPlan(isOn: sharesPrefixes && swapSlotCount > 0)
  }

  /// Pages that can be had, those of the tree that nobody uses among them.
  var availableCount: Int { pool.freeCount + (tree?.unusedCount ?? 0) }

  /// Pages that sequences use.
  var usedCount: Int { pool.pageCount - availableCount }

  func pagesNeeded(_ sequence: Sequence, tokens: Int) -> Int {
    if let kept = sequence.kept {
      return kept.pageCount(tokens, pageSize: pageSize) - sequence.pages.count
    }
    return (tokens + pageSize - 1) / pageSize - sequence.pages.count
  }

  /// Makes room for `tokens` tokens of the sequence; false (and nothing taken) when there is too little.
  mutating func reserve(
    _ sequence: inout Sequence, tokens: Int, _ batch: inout ScheduledBatch
  ) -> Bool {
    let needed = pagesNeeded(sequence, tokens: tokens)
    guard needed <= availableCount else { return false }
    if needed > 0 { for _ in 0..<needed { sequence.pages.append(take(&batch)) } }
    return true
  }

  /// How many of the sequence's tokens stand in the tree, and how many of their pages nobody uses.
  func match(_ sequence: Sequence) -> (tokens: Int, unusedPages: Int) {
    guard let tree, sequence.attributes.reusesPrefix else { return (0, 0) }
    return tree.match(sequence.tokens, salt: sequence.attributes.salt)
  }

  /// A page, if need be from the tree; there must be one.
  mutating func take(_ batch: inout ScheduledBatch) -> PageID {
    if pool.freeCount == 0, let page = tree?.evict() {
      pool.release(page)
      batch.freedPages.append(page)
    }
    return pool.allocate()!
  }

  /// Gives a sequence all pages of the tree that continue its text; of one that agrees in part it gets a copy.
  ///
  /// One token is always left to run, for its logits.
  mutating func attach(_ sequence: inout Sequence, _ batch: inout ScheduledBatch) {
    guard tree != nil, sequence.kept == nil, sequence.attributes.reusesPrefix,
      startsPage(sequence)
    else { return }
    enter(&sequence)
    let before = sequence.computedCount
    while let child = nextPage(of: sequence) {
      guard tree!.isReady(child) else {
        load(from: child, &sequence, &batch)
        break
      }
      tree?.use(child)
      sequence.pages.append(tree!.page(child))
      sequence.node = child
      sequence.treePageCount += 1
      sequence.computedCount += pageSize
    }
    if !isLoading(sequence) { copyPart(to: &sequence, &batch) }
    if sequence.tokens.count == sequence.promptCount, sequence.preemptionCount == 0 {
      sequence.cachedCount += sequence.computedCount - before
    }
  }

  /// Whether the next token to run is the first of a page, with all before it in the tree.
  func startsPage(_ sequence: Sequence) -> Bool {
    sequence.computedCount == sequence.pages.count * pageSize
      && sequence.treePageCount == sequence.pages.count
  }

  private mutating func enter(_ sequence: inout Sequence) {
    guard sequence.node == PrefixTree.none else { return }
    sequence.node = tree!.useRoot(salt: sequence.attributes.salt)
  }

  func nextPage(of sequence: Sequence) -> PrefixTree.NodeID? {
    let start = sequence.computedCount
    guard start + pageSize <= sequence.tokens.count - sequence.attributes.runCount else {
      return nil
    }
    return tree!.child(of: sequence.node, tokens: sequence.tokens[start..<start + pageSize])
  }

  private mutating func copyPart(to sequence: inout Sequence, _ batch: inout ScheduledBatch) {
    let start = sequence.computedCount
    let end = min(start + pageSize, sequence.tokens.count - sequence.attributes.runCount)
    guard start < end else { return }
    let rest = sequence.tokens[start..<end]
    guard let match = tree!.longestMatch(of: sequence.node, tokens: rest) else { return }
    tree!.use(match.node)  // until it has been copied from, at least
    if reserve(&sequence, tokens: start + 1, &batch) {
      batch.copies.append(
        .init(source: tree!.page(match.node), target: sequence.pages[sequence.pages.count - 1]))
      sequence.computedCount += match.count
    }
    tree!.release(match.node)
  }

  /// Whether `other`, which runs in this step, works at the very page that the sequence would have to run next.
  func waits(_ sequence: Sequence, for other: Sequence) -> Bool {
    guard tree != nil, sequence.kept == nil, other.kept == nil, other.attributes.leavesPages,
      sequence.attributes.reusesPrefix, startsPage(sequence), sequence.node == other.node,
      sequence.treePageCount == other.treePageCount
    else { return false }
    let start = sequence.computedCount
    let end = start + pageSize
    guard end <= sequence.tokens.count - sequence.attributes.runCount, end <= other.tokens.count
    else { return false }
    return sequence.tokens[start..<end] == other.tokens[start..<end]
  }

  /// Puts the finished pages of a sequence in the tree; one that is there already takes the place of its own.
  mutating func share(_ sequence: inout Sequence, _ freed: inout [PageID]) {
    guard tree != nil, sequence.kept == nil, sequence.attributes.leavesPages else { return }
    enter(&sequence)
    while (sequence.treePageCount + 1) * pageSize <= sequence.computedCount {
      let index = sequence.treePageCount
      let tokens = sequence.tokens[index * pageSize..<(index + 1) * pageSize]
      if let same = tree!.child(of: sequence.node, tokens: tokens) {
        guard !tree!.isLoading(same) else { return }
        if tree!.isReady(same) {
          tree!.use(same)
          giveBack(sequence.pages[index], &freed)
          sequence.pages[index] = tree!.page(same)
        } else {
          tree!.restore(same, page: sequence.pages[index])
        }
        sequence.node = same
      } else {
        sequence.node = tree!.insert(tokens, page: sequence.pages[index], under: sequence.node)
      }
      sequence.treePageCount += 1
    }
  }

  /// Takes all pages from a sequence; the tree keeps those that hold something.
  mutating func release(_ sequence: inout Sequence, _ freed: inout [PageID]) {
    if sequence.computedCount > 0 {
      share(&sequence, &freed)
      shareRest(&sequence, &freed)
    }
    drop(&sequence, &freed)
    sequence.kept = nil
    sequence.computedCount = 0
  }

  /// Takes all pages from a sequence; those of its own hold nothing any more.
  private mutating func drop(_ sequence: inout Sequence, _ freed: inout [PageID]) {
    for page in sequence.pages[sequence.treePageCount...] { giveBack(page, &freed) }
    tree?.releaseAll(through: sequence.node)
    sequence.node = PrefixTree.none
    sequence.treePageCount = 0
    sequence.pages = []
  }

  /// Takes the pages behind the first `count` computed tokens from a sequence.
  mutating func rewind(_ sequence: inout Sequence, to count: Int, _ freed: inout [PageID]) {
    if count == 0 {
      drop(&sequence, &freed)
    } else {
      precondition(sequence.kept == nil && count >= sequence.treePageCount * pageSize)
      while sequence.pages.count > (count + pageSize - 1) / pageSize {
        giveBack(sequence.pages.removeLast(), &freed)
      }
    }
    sequence.computedCount = count
  }

  /// Gives a sequence pages of its own for what its heads keep, in place of those it shares or beside those of its own;
  /// false when there are too few.
  ///
  /// The old ones still hold what they did until other tokens run.
  mutating func keep(
    _ kept: KeptTokens, of sequence: inout Sequence, _ freed: inout [PageID]
  ) -> Bool {
    let held = sequence.kept == nil ? 0 : sequence.pages.count
    let needed = max(kept.pageCount(kept.since, pageSize: pageSize) - held, 0)
    guard needed <= availableCount else { return false }
    // Those that the tree gives are not free: the sequence has them now.
    var batch = ScheduledBatch()
    let pages = (0..<needed).map { _ in take(&batch) }
    if sequence.kept == nil { drop(&sequence, &freed) }
    sequence.pages += pages
    sequence.kept = kept
    return true
  }

  /// Puts an unfinished last page in the tree, for the next turn of a conversation.
  private mutating func shareRest(_ sequence: inout Sequence, _ freed: inout [PageID]) {
    let start = sequence.treePageCount * pageSize
    // More than a page is left where the tree is about to load the same.
    guard tree != nil, sequence.kept == nil, sequence.attributes.leavesPages,
      start < sequence.computedCount, sequence.computedCount < start + pageSize
    else { return }
    let rest = sequence.tokens[start..<sequence.computedCount]
    if let match = tree!.longestMatch(of: sequence.node, tokens: rest) {
      if match.count == rest.count { return }
      if match.count == tree!.tokenCount(match.node), let page = tree!.removeUnused(match.node) {
        giveBack(page, &freed)
      }
    }
    sequence.node = tree!.insert(
      rest, page: sequence.pages[sequence.treePageCount], under: sequence.node)
    sequence.treePageCount += 1
  }

  mutating func giveBack(_ page: PageID, _ freed: inout [PageID]) {
    pool.release(page)
    freed.append(page)
  }
}
