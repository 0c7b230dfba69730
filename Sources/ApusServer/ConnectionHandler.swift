import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTPTypes

/// Tells when a client has gone, also while nothing is written to it, and answers `Expect: 100-continue`.
final class ConnectionHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundOut = HTTPResponsePart

  private var promise: EventLoopPromise<Void>?

  /// Done when the client has closed its side.
  var closed: EventLoopFuture<Void>? { promise?.futureResult }

  func handlerAdded(context: ChannelHandlerContext) {
    promise = context.eventLoop.makePromise()
  }

  func handlerRemoved(context: ChannelHandlerContext) { promise?.succeed() }

  func channelInactive(context: ChannelHandlerContext) {
    promise?.succeed()
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .some(ChannelEvent.inputClosed) = event as? ChannelEvent { promise?.succeed() }
    context.fireUserInboundEventTriggered(event)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .head(let head) = unwrapInboundIn(data),
      head.headerFields[.expect]?.lowercased() == "100-continue"
    {
      context.writeAndFlush(
        wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }
    context.fireChannelRead(data)
  }
}

/// What Hummingbird makes for each request: its connection.
struct ConnectionContext: InitializableFromSource {
  private let channel: any Channel

  init(source: ApplicationRequestContextSource) { channel = source.channel }

  /// Done when the client has gone.
  func closed() async throws -> EventLoopFuture<Void> {
    let channel = channel
    let future = try await channel.eventLoop.submit {
      try channel.pipeline.syncOperations.handler(type: ConnectionHandler.self).closed
    }.get()
    return future ?? channel.closeFuture
  }
}
