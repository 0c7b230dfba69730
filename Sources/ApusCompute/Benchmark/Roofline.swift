import CApusKernels
import Foundation

/// What the machine does at best with one table of kernels: bytes read, operations on floats, on numbers of 16
/// bits and on bytes a second (Williams et al., "Roofline", 2009). A multiplication and an addition are two operations.
package struct Roofline: Sendable {
  /// A roof, for one thread and for all of them.
  package struct Roof: Sendable {
    package let oneThread: Double
    package let allThreads: Double

    package init(oneThread: Double, allThreads: Double) {
      self.oneThread = oneThread
      self.allThreads = allThreads
    }
  }

  package let read: Roof
  package let multiplyAdd: Roof
  /// Products of numbers of 16 bits as such; nil where kernels have none.
  package let halves: Roof?
  package let int8: Roof

  package init(read: Roof, multiplyAdd: Roof, halves: Roof? = nil, int8: Roof) {
    self.read = read
    self.multiplyAdd = multiplyAdd
    self.halves = halves
    self.int8 = int8
  }
}

extension Roofline {
  /// What products of numbers of 16 bits meet: their own roof, or that of floats.
  package var ofHalves: Roof { halves ?? multiplyAdd }

  /// Measures; `memory` is far larger than the caches.
  init(_ compute: Compute, memory: borrowing Buffer<UInt8>) {
    let table = compute.kernels.table
    let alone = WorkerPool(threadCount: 1)
    let (base, count) = (UnsafePointer(memory.base), memory.count)
    let reading = { (pool: WorkerPool) in
      [1, 4, 8].map { streams in
        let pieces = pool.threadCount == 1 ? 1 : pool.threadCount * 4
        let seconds = medianSeconds {
          pool.run(pieces) {
            keep(table.pointee.roof_read(base + $0 * (count / pieces), count / pieces, streams))
          }
        }
        return Double(count) / seconds
      }.max()!
    }
    read = Roof(oneThread: reading(alone), allThreads: reading(compute.pool))
    let lanes = Double(table.pointee.roof_chains * 16)
    let computing = { (operations: Double, body: @escaping (Int) -> Void) in
      let rounds = calibratedCount { body($0) }
      let rate = { (pool: WorkerPool) in
        let pieces = pool.threadCount == 1 ? 1 : pool.threadCount * 4
        let seconds = medianSeconds { pool.run(pieces) { _ in body(rounds) } }
        return operations * Double(rounds * pieces) / seconds
      }
      return Roof(oneThread: rate(alone), allThreads: rate(compute.pool))
    }
    multiplyAdd = computing(lanes * 2) { keep(table.pointee.roof_fma($0, 0.5)) }
    halves = table.pointee.roof_halves.map { roof in
      computing(lanes * 4) { rounds in
        base.withMemoryRebound(to: UInt16.self, capacity: 32) { keep(roof(rounds, $0)) }
      }
    }
    int8 = computing(lanes * 8) { rounds in
      base.withMemoryRebound(to: Int8.self, capacity: 64) {
        keep(table.pointee.roof_dot(rounds, $0, base))
      }
    }
  }

  /// Four times the last-level cache, within reason.
  static var memoryByteCount: Int {
    var cache = 32 << 20
    #if canImport(Glibc)
      cache = max(cache, sysconf(Int32(_SC_LEVEL3_CACHE_SIZE)))
    #endif
    return min(4 * cache, 1 << 30)
  }
}

/// A result that is not used.
@inline(never) private func keep<Value>(_ value: Value) {}

/// The median of five runs after one to warm up; fewer where they take longer than half a second together.
func medianSeconds(_ body: () -> Void) -> Double {
  body()
  var samples: [Double] = []
  repeat { samples.append(seconds(body)) } while samples.count < 5 && samples.reduce(0, +) < 0.5
  return samples.sorted()[samples.count / 2]
}

/// The median of one call of what may be too short for the clock.
func medianSecondsOfCall(_ body: () -> Void) -> Double {
  let count = calibratedCount { for _ in 0..<$0 { body() } }
  return medianSeconds { for _ in 0..<count { body() } } / Double(count)
}

/// How many repetitions take a millisecond.
private func calibratedCount(_ body: (Int) -> Void) -> Int {
  var count = 1
  while seconds({ body(count) }) < 1e-3 { count *= 2 }
  return count
}

private func seconds(_ body: () -> Void) -> Double {
  let components = ContinuousClock().measure(body).components
  return max(Double(components.seconds) + Double(components.attoseconds) * 1e-18, 1e-9)
}
