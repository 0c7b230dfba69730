import ApusCore
import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Tells when a client has gone, also while nothing is written to it, answers `Expect: 100-continue` and what is no
/// HTTP, and gives up clients that are too slow.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  /// How long a client may read a last answer before the connection is closed under it.
  private static let linger = TimeAmount.seconds(2)

  private let limits: ConnectionLimits
  private var clock: ConnectionClock
  private var promise: EventLoopPromise<Void>?
  private var alarm: (task: Scheduled<Void>, instant: ContinuousClock.Instant)?
  private var isEnding = false

  init(_ limits: ConnectionLimits) {
    self.limits = limits
    clock = ConnectionClock(limits, now: .now)
  }

  /// Done when the client has closed its side.
  var closed: EventLoopFuture<Void>? { promise?.futureResult }

  func handlerAdded(context: ChannelHandlerContext) {
    promise = context.eventLoop.makePromise()
    setAlarm(context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    alarm?.task.cancel()
    promise?.succeed()
  }

  func channelInactive(context: ChannelHandlerContext) {
    alarm?.task.cancel()
    promise?.succeed()
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .some(ChannelEvent.inputClosed) = event as? ChannelEvent { promise?.succeed() }
    context.fireUserInboundEventTriggered(event)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isEnding else { return }
    switch unwrapInboundIn(data) {
    case .head(let head):
      clock.readHead(now: .now)
      if head.headerFields[.expect]?.lowercased() == "100-continue" {
        context.writeAndFlush(
          wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
      }
    case .body(let buffer): clock.readBody(buffer.readableBytes)
    case .end: clock.readEnd(now: .now)
    }
    setAlarm(context)
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data) {
      clock.wroteEnd(now: .now)
      setAlarm(context)
    }
    context.write(data, promise: promise)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    clock.changedWritability(context.channel.isWritable, now: .now)
    setAlarm(context)
    context.fireChannelWritabilityChanged()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // While an answer is owed, whoever writes it is told instead.
    guard clock.requestsInFlight == 0, let error = error as? HTTPParserError else {
      context.fireErrorCaught(error)
      return
    }
    guard !isEnding else { return }
    refuse(context, RequestError(error, limits))
  }

  /// Answers before there is a request, and ends the connection.
  private func refuse(_ context: ChannelHandlerContext, _ error: RequestError) {
    let mapped = APIError(error)
    let body = ByteBuffer(bytes: mapped.body.utf8)
    var headers = mapped.headers
    headers[.contentType] = "application/json"
    headers[.contentLength] = String(body.readableBytes)
    SecurityHeaders.add(to: &headers)
    let head = HTTPResponse(status: mapped.status, headerFields: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(body)), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    context.close(mode: .output, promise: nil)
    end(context)
  }

  /// Takes nothing more and closes soon, whatever the client does.
  private func end(_ context: ChannelHandlerContext) {
    isEnding = true
    alarm?.task.cancel()
    context.eventLoop.assumeIsolated().scheduleTask(in: Self.linger) {
      context.close(promise: nil)
    }
  }

  /// Rings at the next deadline, or before it, where there is one.
  private func setAlarm(_ context: ChannelHandlerContext) {
    guard !isEnding, let deadline = clock.deadline?.instant else { return }
    if let alarm {
      // Deadlines mostly move away: then the alarm that is set will look again.
      guard deadline < alarm.instant else { return }
      alarm.task.cancel()
    }
    let delay = ContinuousClock.now.duration(to: deadline)
    let task = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) {
      self.alarm = nil
      self.ring(context)
    }
    alarm = (task, deadline)
  }

  private func ring(_ context: ChannelHandlerContext) {
    // A deadline may have moved since the alarm was set.
    guard let deadline = clock.deadline, deadline.instant <= .now else { return setAlarm(context) }
    switch deadline.expiry {
    case .idle, .write: context.close(promise: nil)
    case .body:
      // The request that waits for the body is answered.
      context.fireErrorCaught(RequestError.bodyTimeout)
      end(context)
    }
  }
}

extension RequestError {
  /// What a client is told of a request that cannot be parsed.
  init(_ error: HTTPParserError, _ limits: ConnectionLimits) {
    self = error == .headerOverflow ? .headersTooLarge(limit: limits.headerSize) : .malformedHTTP
  }
}

/// What Hummingbird makes for each request: its connection.
struct ConnectionContext: InitializableFromSource {
  let channel: any Channel

  init(source: ApplicationRequestContextSource) { channel = source.channel }

  /// Done when the client has gone.
  func closed() async throws -> EventLoopFuture<Void> {
    let channel = channel
    return try await channel.eventLoop.submit {
      // A closed connection has no handlers any more.
      let handler = try? channel.pipeline.syncOperations.handler(type: ConnectionHandler.self)
      return handler?.closed ?? channel.closeFuture
    }.get()
  }
}
