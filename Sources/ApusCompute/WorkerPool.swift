import CApusKernels
import Foundation
import Synchronization

/// Persistent threads that share the tasks of one operation at a time.
///
/// Each thread begins with its share of the numbers, one after the other, so that it reads neighbouring weights without
/// a gap, and then takes what is left of the others' shares. Which thread runs a task is left open; results must not
/// depend on it. A thread without work spins for a short while, then sleeps. Only one thread at a time may call `run`.
public final class WorkerPool: Sendable {
  public let threadCount: Int
  private let shared: Shared

  /// A pool of `threadCount` threads, the calling one included.
  public init(threadCount: Int = WorkerPool.defaultThreadCount) {
    self.threadCount = max(1, threadCount)
    shared = Shared(threadCount: self.threadCount)
    for number in 1..<self.threadCount {
      let thread = Thread { [shared] in
        Self.nameThread("apus.worker")
        shared.work(number)
      }
      thread.stackSize = 1 << 20
      thread.start()
    }
  }

  deinit { shared.stop() }

  /// Names the calling thread, for debuggers and `top -H`.
  public static func nameThread(_ name: String) { apus_name_thread(name) }

  /// Processors this process may use.
  public static var defaultThreadCount: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// Runs the task once with every number below `count`, on all threads; returns when all are done.
  ///
  /// Allocates nothing.
  func run(_ count: Int, _ task: borrowing some WorkerTask & ~Copyable) {
    if threadCount == 1 || count <= 1 {
      for index in 0..<max(count, 0) { task.run(index) }
      return
    }
    withUnsafePointer(to: task) { shared.run(count, TaskReference($0)) }
  }

  /// The same with a closure.
  public func run(_ count: Int, _ body: (Int) -> Void) {
    withoutActuallyEscaping(body) { run(count, ClosureTask(body: $0)) }
  }

  /// Divides `0..<count` in at most `pieceLimit` pieces of about the same size, at least `grain` where there are
  /// several, and runs the task with the number of each and its range.
  func ranges(_ count: Int, grain: Int, _ task: some RangeTask) {
    guard count > 0 else { return }
    let pieces = max(1, min(count / grain, pieceLimit))
    run(pieces, Division(count: count, pieces: pieces, task: task))
  }

  /// The same with a closure.
  public func ranges(_ count: Int, grain: Int, _ body: (Int, Range<Int>) -> Void) {
    withoutActuallyEscaping(body) { ranges(count, grain: grain, ClosureRangeTask(body: $0)) }
  }

  /// Divides rows of `columns` numbers that are changed one by one: pieces of some 2,000 numbers are worth a thread.
  func rows(_ count: Int, of columns: Int, _ task: some RangeTask) {
    ranges(count, grain: max(1, 2048 / max(columns, 1)), task)
  }

  /// The same with a closure.
  func rows(_ count: Int, of columns: Int, _ body: (Int, Range<Int>) -> Void) {
    withoutActuallyEscaping(body) { rows(count, of: columns, ClosureRangeTask(body: $0)) }
  }

  /// The most pieces that `ranges` makes: several a thread, so that one that is held up does not hold up all.
  public var pieceLimit: Int { threadCount == 1 ? 1 : threadCount * 8 }
}

/// What threads do with each number of an operation: a value that all of them read.
///
/// One that cannot be copied spares the threads the counting of references to what it holds.
protocol WorkerTask: ~Copyable {
  func run(_ index: Int)
}

/// What threads do with each piece of a range.
protocol RangeTask {
  func run(_ piece: Int, _ range: Range<Int>)
}

private struct ClosureTask: WorkerTask {
  let body: (Int) -> Void
  func run(_ index: Int) { body(index) }
}

private struct ClosureRangeTask: RangeTask {
  let body: (Int, Range<Int>) -> Void
  func run(_ piece: Int, _ range: Range<Int>) { body(piece, range) }
}

private struct Division<Task: RangeTask>: WorkerTask {
  let count: Int
  let pieces: Int
  let task: Task

  func run(_ index: Int) {
    task.run(index, index * count / pieces..<(index + 1) * count / pieces)
  }
}

/// The next task of a share, on a cache line that no other share is on.
private final class NextTask: Sendable {
  let number = Atomic<Int>(0)
  private let padding: (Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0)
}

/// A task whose type is forgotten; valid while `run` has not returned.
private struct TaskReference {
  let task: UnsafeRawPointer
  let call: (UnsafeRawPointer, Int) -> Void

  init<Task: WorkerTask & ~Copyable>(_ task: UnsafePointer<Task>) {
    self.task = UnsafeRawPointer(task)
    call = { $0.assumingMemoryBound(to: Task.self).pointee.run($1) }
  }

  func callAsFunction(_ index: Int) { call(task, index) }
}

extension WorkerPool {
  /// What the threads share: a generation counter, odd while there is work, and the next task of each one's share.
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
    private let next: [NextTask]
    private let inside = Atomic<Int>(0)
    private let stopped = Atomic<Bool>(false)
    private let sleepers = Atomic<Int>(0)
    private let wake = NSCondition()
    private var body: TaskReference?
    private var count = 0

    init(threadCount: Int) { next = (0..<threadCount).map { _ in NextTask() } }

    func run(_ count: Int, _ body: TaskReference) {
      self.body = body
      self.count = count
      for thread in next.indices {
        next[thread].number.store(thread * count / next.count, ordering: .relaxed)
      }
      generation.add(1, ordering: .sequentiallyConsistent)
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        wake.lock()
        wake.broadcast()
        wake.unlock()
      }
      take(0, count, body)
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

    func work(_ thread: Int) {
      var seen: UInt64 = 0
      while let current = waitForWork(after: seen) {
        inside.add(1, ordering: .sequentiallyConsistent)
        if generation.load(ordering: .sequentiallyConsistent) == current {
          if let body { take(thread, count, body) }
          seen = current
        }
        inside.subtract(1, ordering: .sequentiallyConsistent)
      }
    }

    /// Runs the tasks of the thread's own share, then those that the others have not begun.
    private func take(_ thread: Int, _ count: Int, _ body: TaskReference) {
      for turn in next.indices {
        let share = (thread + turn) % next.count
        let end = (share + 1) * count / next.count
        while true {
          let index = next[share].number.add(1, ordering: .relaxed).oldValue
          if index >= end { break }
          body(index)
        }
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
