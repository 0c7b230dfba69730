import CApusKernels
import Foundation
import Synchronization

/// Persistent threads that share the tasks of one operation at a time.
///
/// Which thread runs a task is left open; results must not depend on it. A thread without work spins for a short
/// while, then sleeps. Only one thread at a time may call `run`.
public final class WorkerPool: Sendable {
  public let threadCount: Int
  private let shared: Shared

  /// A pool of `threadCount` threads, the calling one included.
  public init(threadCount: Int = WorkerPool.defaultThreadCount) {
    self.threadCount = max(1, threadCount)
    shared = Shared()
    for _ in 1..<max(1, threadCount) {
      let thread = Thread { [shared] in shared.work() }
      thread.stackSize = 1 << 20
      thread.name = "apus.worker"
      thread.start()
    }
  }

  deinit { shared.stop() }

  /// Processors this process may use.
  public static var defaultThreadCount: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// Calls `body` once with every number below `count`, on all threads; returns when all are done.
  public func run(_ count: Int, _ body: (Int) -> Void) {
    if threadCount == 1 || count <= 1 {
      for index in 0..<max(count, 0) { body(index) }
      return
    }
    withoutActuallyEscaping(body) { shared.run(count, $0) }
  }

  /// Divides `0..<count` in at most `pieceLimit` pieces of about the same size, at least `grain` where there are
  /// several, and calls `body` with the number of each and its range.
  public func ranges(_ count: Int, grain: Int, _ body: (Int, Range<Int>) -> Void) {
    guard count > 0 else { return }
    let pieces = max(1, min(count / grain, pieceLimit))
    run(pieces) { piece in
      body(piece, piece * count / pieces..<(piece + 1) * count / pieces)
    }
  }

  /// The most pieces that `ranges` makes: several a thread, so that one that is held up does not hold up all.
  public var pieceLimit: Int { threadCount == 1 ? 1 : threadCount * 8 }
}

extension WorkerPool {
  /// What the threads share: a generation counter, odd while there is work, and the next task to take.
  ///
  /// `run` waits for the threads that entered the generation, never for those that came too late: a thread that the
  /// system does not schedule costs nothing.
  ///
  /// Unchecked: `body` and `count` are written by the caller of `run` before `generation` becomes odd and read only
  /// by threads that raised `inside` and then still found that generation; after making `generation` even again the
  /// caller waits for `inside` to be zero. Both orders are sequentially consistent, so either the thread sees the
  /// end or the caller sees the thread.
  private final class Shared: @unchecked Sendable {
    private let generation = Atomic<UInt64>(0)
    private let next = Atomic<Int>(0)
    private let inside = Atomic<Int>(0)
    private let stopped = Atomic<Bool>(false)
    private let sleepers = Atomic<Int>(0)
    private let wake = NSCondition()
    private var body: ((Int) -> Void)?
    private var count = 0

    func run(_ count: Int, _ body: @escaping (Int) -> Void) {
      self.body = body
      self.count = count
      next.store(0, ordering: .relaxed)
      generation.add(1, ordering: .sequentiallyConsistent)
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        wake.lock()
        wake.broadcast()
        wake.unlock()
      }
      take(count, body)
      generation.add(1, ordering: .sequentiallyConsistent)
      var spins = 0
      while inside.load(ordering: .sequentiallyConsistent) > 0 { Shared.pause(&spins) }
      self.body = nil
    }

    func stop() {
      wake.lock()
      stopped.store(true, ordering: .sequentiallyConsistent)
      wake.broadcast()
      wake.unlock()
    }

    func work() {
      var seen: UInt64 = 0
      while let current = waitForWork(after: seen) {
        inside.add(1, ordering: .sequentiallyConsistent)
        if generation.load(ordering: .sequentiallyConsistent) == current {
          if let body { take(count, body) }
          seen = current
        }
        inside.subtract(1, ordering: .sequentiallyConsistent)
      }
    }

    private func take(_ count: Int, _ body: (Int) -> Void) {
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        if index >= count { return }
        body(index)
      }
    }

    /// The number of a generation with work other than `seen`; nil when the pool is gone.
    private func waitForWork(after seen: UInt64) -> UInt64? {
      for _ in 0..<20_000 {
        let now = generation.load(ordering: .sequentiallyConsistent)
        if now % 2 == 1, now != seen { return now }
        if stopped.load(ordering: .relaxed) { return nil }
        apus_pause()
      }
      wake.lock()
      defer { wake.unlock() }
      sleepers.add(1, ordering: .sequentiallyConsistent)
      defer { sleepers.subtract(1, ordering: .sequentiallyConsistent) }
      while !stopped.load(ordering: .sequentiallyConsistent) {
        let now = generation.load(ordering: .sequentiallyConsistent)
        if now % 2 == 1, now != seen { return now }
        wake.wait()
      }
      return nil
    }

    /// Spins, and yields the processor after a while: the machine may be shared.
    private static func pause(_ spins: inout Int) {
      spins += 1
      if spins < 4_000 { apus_pause() } else { sched_yield() }
    }
  }
}
