import Foundation
import NIOCore
import NIOHTTP1

/// Runs one exchange after the other on a connection.
final class ExchangeHandler: ChannelDuplexHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundIn = Start
  typealias OutboundOut = HTTPClientRequestPart

  struct Start: Sendable {
    let exchange: Exchange
    let isReused: Bool
  }

  private let transport: PlainTransport
  private var current: Start?
  private var hasHead = false
  private var keepsAlive = false

  init(_ transport: PlainTransport) { self.transport = transport }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let start = unwrapOutboundIn(data)
    current = start
    hasHead = false
    guard context.channel.isActive else { return lose(.reset, context) }
    let request = start.exchange.request
    var headers = HTTPHeaders(request.headers.map { ($0.name, $0.value) })
    headers.add(name: "Content-Length", value: String(request.body.readableBytes))
    let head = HTTPRequestHead(
      version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: request.path,
      headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if request.body.readableBytes > 0 {
      context.write(wrapOutboundOut(.body(.byteBuffer(request.body))), promise: nil)
    }
    context.write(wrapOutboundOut(.end(nil)), promise: promise)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard let exchange = current?.exchange else {
      // Nothing was asked: the server may say that it closes an idle connection.
      return context.close(promise: nil)
    }
    let time = monotonicTime()
    switch unwrapInboundIn(data) {
    case .head(let head):
      hasHead = true
      keepsAlive = head.isKeepAlive
      exchange.receiver.responded(
        status: Int(head.status.code), contentType: head.headers.first(name: "content-type") ?? "")
    case .body(let bytes): exchange.receiver.received(bytes, at: time)
    case .end:
      current = nil
      exchange.leave()
      // Before the receiver hears of it: it may send the next request.
      if keepsAlive, context.channel.isActive {
        transport.release(context.channel)
      } else {
        context.close(promise: nil)
      }
      exchange.receiver.ended(at: time)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error {
    case let error as HTTPParserError where error != .invalidEOFState:
      lose(.malformed("no HTTP: \(error)"), context)
    default: lose(.reset, context)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    lose(.reset, context)
    context.fireChannelInactive()
  }

  /// Ends the connection; a request on a connection that the server had closed meanwhile is sent again.
  private func lose(_ failure: LoadFailure, _ context: ChannelHandlerContext) {
    defer { context.close(promise: nil) }
    guard let start = current else { return }
    current = nil
    if start.isReused, !hasHead, failure == .reset, !start.exchange.isGivenUp {
      transport.connect(start.exchange)
    } else {
      start.exchange.receiver.failed(failure, at: monotonicTime())
    }
  }
}
