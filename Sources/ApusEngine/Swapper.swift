import ApusCompute
import ApusScheduling
import Foundation

/// Copies pages to the swap space and back on a thread of its own, one transfer after the other.
///
/// The scheduler keeps the pages of a transfer from everybody else until it has heard of its end.
final class Swapper: Sendable {
  struct Result: Sendable {
    let transfer: UInt64
    /// The first so many pages were copied.
    let completed: Int
    let seconds: Double
  }

  private enum Job: Sendable {
    case transfer(PageTransfer)
    case stop
  }

  private let jobs = Mailbox<Job>()

  init(_ space: SwapSpace, onEnd: @escaping @Sendable (Result) -> Void) {
    let transferred = SpaceTransfer(space: space)
    let thread = Thread { [jobs] in
      WorkerPool.nameThread("apus.swap")
      let space = transferred.space
      while true {
        jobs.wait()
        for job in jobs.drain() {
          guard case .transfer(let transfer) = job else { return }
          onEnd(Self.run(transfer, space))
        }
      }
    }
    thread.stackSize = 1 << 20
    thread.start()
  }

  func begin(_ transfer: PageTransfer) { jobs.post(.transfer(transfer)) }

  deinit { jobs.post(.stop) }

  private static func run(_ transfer: PageTransfer, _ space: SwapSpace) -> Result {
    let begin = ContinuousClock.now
    var completed = 0
    for (page, slot) in zip(transfer.pages, transfer.slots) {
      let succeeded =
        switch transfer.direction {
        case .store: space.store(page, to: slot)
        case .load: space.load(slot, to: page)
        }
      guard succeeded else { break }
      completed += 1
    }
    return Result(
      transfer: transfer.id, completed: completed,
      seconds: (ContinuousClock.now - begin) / .seconds(1))
  }
}

/// Carries the space to its thread.
///
/// Unchecked: it is made by `Engine.init`, which keeps no reference to it, and used by the swap thread alone.
private struct SpaceTransfer: @unchecked Sendable {
  let space: SwapSpace
}
