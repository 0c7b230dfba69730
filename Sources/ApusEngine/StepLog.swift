import Synchronization

/// What one step of the engine was made of.
public struct StepRecord: Sendable, Equatable {
  /// Counted from 1.
  public var number: Int
  public var start: ContinuousClock.Instant
  /// From the schedule to the samples.
  public var seconds: Double
  /// Sequences that read a part of their prompt, and the tokens of these parts.
  public var prefills = 0
  public var prefillTokens = 0
  /// Sequences that went on with their answer, and their tokens.
  public var decodes = 0
  public var decodeTokens = 0
  /// Requests that had no part in it.
  public var waiting = 0

  init(number: Int, start: ContinuousClock.Instant, seconds: Double) {
    self.number = number
    self.start = start
    self.seconds = seconds
  }
}

/// The last steps, written by the engine thread and read by anyone; adding one allocates nothing.
final class StepLog: Sendable {
  private struct Ring {
    var records: [StepRecord] = []
    /// Where the next one goes once the ring is full.
    var next = 0
  }

  private let capacity: Int
  private let ring: Mutex<Ring>

  init(capacity: Int = 256) {
    self.capacity = capacity
    var ring = Ring()
    ring.records.reserveCapacity(capacity)
    self.ring = Mutex(ring)
  }

  func add(_ record: StepRecord) {
    ring.withLock { ring in
      if ring.records.count < capacity {
        ring.records.append(record)
      } else {
        ring.records[ring.next] = record
        ring.next = (ring.next + 1) % capacity
      }
    }
  }

  /// The oldest first; a copy of its own, so that the ring's memory has one owner.
  var records: [StepRecord] {
    ring.withLock { ring in
      var records: [StepRecord] = []
      records.reserveCapacity(ring.records.count)
      for index in ring.records.indices {
        records.append(ring.records[(ring.next + index) % ring.records.count])
      }
      return records
    }
  }
}
