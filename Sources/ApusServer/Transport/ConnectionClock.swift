/// When a connection has to be given up, as far as what has come and gone tells.
///
/// A client that sends or takes a byte now and then would hold a connection for ever ("slow loris").
package struct ConnectionClock {
  package enum Expiry: Equatable {
    /// No request is on its way: nobody waits for an answer.
    case idle
    /// A body is too slow.
    case body
    /// The client does not take its answer.
    case write
  }

  package typealias Instant = ContinuousClock.Instant

  private enum Reading {
    case head(since: Instant, limit: Duration)
    case body(since: Instant, count: Int)
  }

  private let limits: ConnectionLimits
  private var reading: Reading
  private var unwritableSince: Instant?
  /// Requests whose header fields have come and whose answers are not complete.
  package private(set) var requestsInFlight = 0

  package init(_ limits: ConnectionLimits, now: Instant) {
    self.limits = limits
    reading = .head(since: now, limit: limits.headerTimeout)
  }

  package mutating func readHead(now: Instant) {
    requestsInFlight += 1
    reading = .body(since: now, count: 0)
  }

  package mutating func readBody(_ count: Int) {
    guard case .body(let since, let sum) = reading else { return }
    reading = .body(since: since, count: sum + count)
  }

  package mutating func readEnd(now: Instant) {
    reading = .head(since: now, limit: limits.idleTimeout)
  }

  package mutating func wroteEnd(now: Instant) {
    requestsInFlight = max(0, requestsInFlight - 1)
    if case .head = reading { reading = .head(since: now, limit: limits.idleTimeout) }
  }

  package mutating func changedWritability(_ isWritable: Bool, now: Instant) {
    unwritableSince = isWritable ? nil : unwritableSince ?? now
  }

  /// The next time at which something is too late; nil while the server owes an answer.
  package var deadline: (instant: Instant, expiry: Expiry)? {
    let writing = unwritableSince.map { ($0 + limits.writeTimeout, Expiry.write) }
    let waiting: (Instant, Expiry)? =
      switch reading {
      case .head(let since, let limit): requestsInFlight == 0 ? (since + limit, .idle) : nil
      case .body(let since, let count):
        (since + limits.bodyTimeout + .seconds(1) * (count / max(limits.bodyRate, 1)), .body)
      }
    guard let writing, let waiting else { return writing ?? waiting }
    return writing.0 < waiting.0 ? writing : waiting
  }
}
