import ApusCore

/// Pages to be copied to the swap space or back, by somebody else and while other steps run.
public struct PageTransfer: Sendable, Equatable {
  public enum Direction: Sendable, Equatable {
    case store
    case load
  }

  public let id: UInt64
  public let direction: Direction
  public let pages: [PageID]
  public let slots: [SwapSlot]
}

/// What is being copied, and whether it pays.
///
/// Pages are copied in groups before their place is needed, while they lie unused, and the copies are kept as long as
/// there is room: of a text that comes back and grows only the rest is copied again (FastSwitch, arXiv:2411.18424).
struct SwapPlan: Sendable {
  let isOn: Bool
  /// Seconds to bring a page back, as measured; 0 before the first.
  private(set) var loadSeconds = 0.0
  private var moving: [UInt64: (direction: PageTransfer.Direction, nodes: [PrefixTree.NodeID])] =
    [:]
  private var nextID: UInt64 = 1
  private var failures = 0

  /// Pages of one transfer.
  static let groupSize = 32
  /// After so many pages that could not be written no more are tried.
  private static let failureLimit = 64

  init(isOn: Bool) { self.isOn = isOn }

  var isStoring: Bool { moving.values.contains { $0.direction == .store } }
  var isMoving: Bool { !moving.isEmpty }
  var mayStore: Bool { isOn && failures < Self.failureLimit && !isStoring }

  mutating func begin(_ direction: PageTransfer.Direction, _ nodes: [PrefixTree.NodeID]) -> UInt64 {
    defer { nextID += 1 }
    moving[nextID] = (direction, nodes)
    return nextID
  }

  mutating func end(_ id: UInt64, completed: Int, seconds: Double) -> (
    direction: PageTransfer.Direction, nodes: [PrefixTree.NodeID]
  )? {
    guard let transfer = moving.removeValue(forKey: id) else { return nil }
    if transfer.direction == .store {
      failures += transfer.nodes.count - completed
    } else if completed > 0 {
      let each = seconds / Double(completed)
      loadSeconds = loadSeconds == 0 ? each : 0.8 * loadSeconds + 0.2 * each
    }
    return transfer
  }
}

extension PageCache {
  /// Whether the page that the sequence needs next is on its way.
  func isLoading(_ sequence: Sequence) -> Bool {
    guard swap.isMoving, sequence.attributes.reusesPrefix, sequence.node != PrefixTree.none,
      startsPage(sequence), let next = nextPage(of: sequence)
    else { return false }
    return tree!.isLoading(next)
  }

  /// Has copied what will have to go next, when little room is left.
  mutating func planStores(_ batch: inout ScheduledBatch) {
    guard swap.mayStore, pool.freeCount < pool.pageCount / 4, tree!.unusedCount > 0 else { return }
    let stores = tree!.beginStores(limit: min(SwapPlan.groupSize, tree!.unusedCount / 2 + 1))
    guard !stores.isEmpty else { return }
    batch.transfers.append(
      PageTransfer(
        id: swap.begin(.store, stores.map(\.node)), direction: .store, pages: stores.map(\.page),
        slots: stores.map(\.slot)))
  }

  /// Has the pages that continue the sequence from `node` on loaded, unless running the tokens anew is quicker.
  mutating func load(
    from node: PrefixTree.NodeID, _ sequence: inout Sequence, _ batch: inout ScheduledBatch
  ) {
    guard !tree!.isLoading(node), swap.loadSeconds < sequence.secondsPerPage else { return }
    var nodes: [PrefixTree.NodeID] = []
    var pages: [PageID] = []
    var slots: [SwapSlot] = []
    var next: PrefixTree.NodeID? = node
    var end = sequence.computedCount
    while let node = next, !tree!.isReady(node), !tree!.isLoading(node), availableCount > 0,
      nodes.count < SwapPlan.groupSize
    {
      // Before the slot is asked for: an eviction may change who has which.
      let page = take(&batch)
      slots.append(tree!.beginLoad(node, into: page))
      nodes.append(node)
      pages.append(page)
      end += pageSize
      next =
        end + pageSize < sequence.tokens.count
        ? tree!.child(of: node, tokens: sequence.tokens[end..<end + pageSize]) : nil
    }
    guard !nodes.isEmpty else { return }
    batch.transfers.append(
      PageTransfer(id: swap.begin(.load, nodes), direction: .load, pages: pages, slots: slots))
  }

  /// Notes that a transfer has ended, of which the first `completed` pages succeeded.
  mutating func finishTransfer(
    _ id: UInt64, completed: Int, seconds: Double, _ freed: inout [PageID]
  ) {
    guard let transfer = swap.end(id, completed: completed, seconds: seconds) else { return }
    // Backwards: what follows goes before what it follows.
    for (index, node) in transfer.nodes.enumerated().reversed() {
      switch transfer.direction {
      case .store: tree!.stored(node, isWritten: index < completed)
      case .load:
        if let page = tree!.loaded(node, isRead: index < completed) { giveBack(page, &freed) }
      }
    }
  }
}
