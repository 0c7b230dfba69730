import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// HTTP/1.1 without encryption; connections are kept and used again.
final class PlainTransport: Transport {
  private let address: ServerAddress
  private let group: MultiThreadedEventLoopGroup
  private let timeout: TimeAmount
  private let state = Mutex(State())

  private struct State {
    var idle: [any Channel] = []
    /// The address that answered first: names are looked up once.
    var resolved: SocketAddress?
  }

  init(_ address: ServerAddress, group: MultiThreadedEventLoopGroup, timeout: Double) {
    self.address = address
    self.group = group
    self.timeout = .nanoseconds(Int64(min(timeout, 1e6) * 1e9))
  }

  func send(
    _ request: OutgoingRequest, to receiver: any ExchangeReceiver
  ) -> @Sendable () -> Void {
    let exchange = Exchange(request, receiver)
    start(exchange)
    return { exchange.giveUp() }
  }

  func shutdown() async {
    let idle = state.withLock { state in
      defer { state.idle = [] }
      return state.idle
    }
    for channel in idle { try? await channel.close() }
  }

  /// Takes back a connection whose answer has been read.
  func release(_ channel: any Channel) { state.withLock { $0.idle.append(channel) } }

  private func start(_ exchange: Exchange) {
    while let channel = state.withLock({ $0.idle.popLast() }) {
      guard channel.isActive else { continue }
      exchange.begin(on: channel, isReused: true)
      return
    }
    connect(exchange)
  }

  /// Sends it on a new connection.
  func connect(_ exchange: Exchange) {
    let bootstrap = ClientBootstrap(group: group)
      .connectTimeout(timeout)
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .channelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHTTPClientHandlers()
          try channel.pipeline.syncOperations.addHandler(ExchangeHandler(self))
        }
      }
    let resolved = state.withLock { $0.resolved }
    let connected =
      resolved.map { bootstrap.connect(to: $0) }
      ?? bootstrap.connect(host: address.host, port: address.port)
    connected.whenComplete { [self] result in
      switch result {
      case .success(let channel):
        state.withLock { $0.resolved = $0.resolved ?? channel.remoteAddress }
        exchange.begin(on: channel, isReused: false)
      case .failure(let error):
        exchange.receiver.failed(failure(error), at: monotonicTime())
      }
    }
  }

  private func failure(_ error: any Error) -> LoadFailure {
    switch error {
    case let error as NIOConnectionError:
      if let reason = error.connectionErrors.last?.error { return failure(reason) }
      return .unreachable("there is no host '\(address.host)'")
    case let error as IOError where error.errnoCode == ECONNREFUSED:
      return .refused(address.authority)
    case let error as IOError where [EMFILE, ENFILE].contains(error.errnoCode):
      return .tooManyFiles
    case let error as IOError where [ECONNRESET, EPIPE].contains(error.errnoCode): return .reset
    case let error as IOError where error.errnoCode == EADDRNOTAVAIL:
      return .unreachable("no local port is free; use --max-concurrency")
    default: return .unreachable("\(error)")
    }
  }
}

/// A request on its way; it knows its connection, so that it can be given up from anywhere.
final class Exchange: Sendable {
  private struct State {
    var channel: (any Channel)?
    var isGivenUp = false
  }

  let request: OutgoingRequest
  let receiver: any ExchangeReceiver
  private let state = Mutex(State())

  init(_ request: OutgoingRequest, _ receiver: any ExchangeReceiver) {
    self.request = request
    self.receiver = receiver
  }

  func begin(on channel: any Channel, isReused: Bool) {
    let isGivenUp = state.withLock { state in
      state.channel = channel
      return state.isGivenUp
    }
    if isGivenUp {
      channel.close(promise: nil)
    } else {
      channel.writeAndFlush(ExchangeHandler.Start(exchange: self, isReused: isReused), promise: nil)
    }
  }

  func giveUp() {
    let channel = state.withLock { state in
      state.isGivenUp = true
      return state.channel
    }
    channel?.close(promise: nil)
  }

  /// The connection is free for others.
  func leave() { state.withLock { $0.channel = nil } }

  var isGivenUp: Bool { state.withLock { $0.isGivenUp } }
}
