import ApusServer
import Testing

@Suite struct ConnectionClockTests {
  private static let limits: ConnectionLimits = {
    var limits = ConnectionLimits()
    limits.headerTimeout = .seconds(10)
    limits.bodyTimeout = .seconds(20)
    limits.bodyRate = 100
    limits.idleTimeout = .seconds(60)
    limits.writeTimeout = .seconds(40)
    return limits
  }()

  private let start = ContinuousClock.now
  private func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

  private func expect(
    _ clock: ConnectionClock, _ seconds: Int?, _ expiry: ConnectionClock.Expiry? = nil,
    _ location: SourceLocation = #_sourceLocation
  ) {
    #expect(clock.deadline?.instant == seconds.map(at), sourceLocation: location)
    #expect(clock.deadline?.expiry == expiry, sourceLocation: location)
  }

  @Test func oneRequestAfterTheOther() {
    var clock = ConnectionClock(Self.limits, now: start)
    expect(clock, 10, .idle)
    clock.readHead(now: at(5))
    expect(clock, 25, .body)
    clock.readBody(250)
    expect(clock, 27, .body)
    clock.readEnd(now: at(6))
    // However long the answer takes.
    expect(clock, nil)
    clock.wroteEnd(now: at(100))
    expect(clock, 160, .idle)
    clock.readHead(now: at(120))
    expect(clock, 140, .body)
    #expect(clock.requestsInFlight == 1)
  }

  @Test func aByteNowAndThenDoesNotHoldAConnection() {
    var clock = ConnectionClock(Self.limits, now: start)
    clock.readHead(now: at(0))
    for _ in 0..<99 { clock.readBody(1) }
    expect(clock, 20, .body)
  }

  @Test func anAnswerBeforeTheBodyLeavesTheBodysTime() {
    var clock = ConnectionClock(Self.limits, now: start)
    clock.readHead(now: at(1))
    clock.wroteEnd(now: at(2))
    expect(clock, 21, .body)
    clock.readEnd(now: at(3))
    expect(clock, 63, .idle)
  }

  @Test func requestsThatAreSentAtOnceAreAnsweredInPeace() {
    var clock = ConnectionClock(Self.limits, now: start)
    for _ in 0..<2 {
      clock.readHead(now: at(1))
      clock.readEnd(now: at(1))
    }
    clock.wroteEnd(now: at(2))
    expect(clock, nil)
    clock.wroteEnd(now: at(3))
    expect(clock, 63, .idle)
  }

  @Test func whoTakesNothingIsGivenUp() {
    var clock = ConnectionClock(Self.limits, now: start)
    clock.readHead(now: at(0))
    clock.readEnd(now: at(0))
    clock.changedWritability(false, now: at(50))
    clock.changedWritability(false, now: at(60))
    expect(clock, 90, .write)
    clock.changedWritability(true, now: at(70))
    expect(clock, nil)
  }
}
