import ApusCompute
import Foundation
import Synchronization
import Testing

/// A value behind a lock that ThreadSanitizer knows; it does not know Swift's Mutex.
private final class Locked<Value>: @unchecked Sendable {
  private var value: Value
  private let lock = NSLock()

  init(_ value: Value) { self.value = value }

  func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
    lock.withLock { body(&value) }
  }
}

@Suite(.serialized) struct WorkerPoolTests {
  /// Counts how often each index is run.
  private func counts(_ pool: WorkerPool, _ count: Int) -> [Int] {
    let seen = Locked([Int](repeating: 0, count: count))
    pool.run(count) { index in seen.withLock { $0[index] += 1 } }
    return seen.withLock { $0 }
  }

  @Test(arguments: 1...4)
  func runsEveryIndexOnce(threads: Int) {
    let pool = WorkerPool(threadCount: threads)
    for count in [0, 1, 2, 3, 7, 64, 1000] {
      #expect(counts(pool, count) == [Int](repeating: 1, count: count))
    }
  }

  @Test func negativeCountIsNothing() {
    WorkerPool(threadCount: 2).run(-3) { _ in Issue.record("nothing to run") }
  }

  @Test func atLeastOneThread() {
    #expect(WorkerPool(threadCount: 0).threadCount == 1)
    #expect(WorkerPool(threadCount: -1).threadCount == 1)
    #expect(WorkerPool.defaultThreadCount >= 1)
  }

  @Test(arguments: 1...4)
  func rangesCoverEverything(threads: Int) {
    let pool = WorkerPool(threadCount: threads)
    for count in [0, 1, 5, 31, 32, 33, 1000] {
      for grain in [1, 2, 8, 64, 5000] {
        let ranges = Locked<[Range<Int>]>([])
        pool.ranges(count, grain: grain) { piece, range in
          #expect(piece < pool.pieceLimit)
          ranges.withLock { $0.append(range) }
        }
        let sorted = ranges.withLock { $0.sorted { $0.lowerBound < $1.lowerBound } }
        #expect(sorted.flatMap(Array.init) == Array(0..<count))
        #expect(sorted.allSatisfy { !$0.isEmpty })
      }
    }
  }

  /// A thread that is held up holds up no other number: its share is done by the rest.
  @Test(arguments: [0, 3, 5])
  func sharesOfBusyThreadsAreTaken(busy: Int) {
    let pool = WorkerPool(threadCount: 2)
    let others = Atomic<Int>(0)
    let deadline = ContinuousClock.now + .seconds(20)
    pool.run(6) { index in
      if index != busy {
        others.add(1, ordering: .sequentiallyConsistent)
        return
      }
      while others.load(ordering: .sequentiallyConsistent) < 5, ContinuousClock.now < deadline {
        sched_yield()
      }
    }
    #expect(ContinuousClock.now < deadline)
    #expect(others.load(ordering: .sequentiallyConsistent) == 5)
  }

  /// Short operations one after the other: no index is lost between generations.
  @Test(arguments: 2...4)
  func manyRounds(threads: Int) {
    let pool = WorkerPool(threadCount: threads)
    let total = Atomic<Int>(0)
    var expected = 0
    for round in 0..<20_000 {
      let count = round % 5 + 1
      pool.run(count) { total.add($0 + 1, ordering: .relaxed) }
      expected += count * (count + 1) / 2
      if round % 1000 == 0 { #expect(total.load(ordering: .relaxed) == expected) }
    }
    #expect(total.load(ordering: .relaxed) == expected)
  }

  /// Pauses long enough for the threads to fall asleep.
  @Test func wakesSleepingThreads() async throws {
    let pool = WorkerPool(threadCount: 3)
    for _ in 0..<20 {
      try await Task.sleep(for: .milliseconds(5))
      #expect(counts(pool, 50) == [Int](repeating: 1, count: 50))
    }
  }

  /// A task of one pool may use another pool.
  @Test func poolsNest() {
    let outer = WorkerPool(threadCount: 2)
    let inner = (0..<4).map { _ in WorkerPool(threadCount: 2) }
    let total = Atomic<Int>(0)
    for _ in 0..<200 {
      outer.run(4) { index in
        inner[index].run(10) { total.add($0, ordering: .relaxed) }
      }
    }
    #expect(total.load(ordering: .relaxed) == 200 * 4 * 45)
  }

  @Test func poolsComeAndGo() {
    for threads in 1...4 {
      for _ in 0..<50 {
        let pool = WorkerPool(threadCount: threads)
        #expect(counts(pool, 9) == [Int](repeating: 1, count: 9))
      }
    }
  }

  /// What the tasks wrote is visible after `run`, what the caller wrote is visible to the tasks.
  @Test func writesAreVisible() {
    let pool = WorkerPool(threadCount: 4)
    var values = [Int](repeating: 0, count: 256)
    for round in 1...500 {
      values.withUnsafeMutableBufferPointer { buffer in
        nonisolated(unsafe) let base = buffer.baseAddress!
        pool.run(256) { base[$0] += 1 }
      }
      #expect(values.allSatisfy { $0 == round })
    }
  }
}
