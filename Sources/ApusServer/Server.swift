import Apus
import ApusCompute
import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import ServiceLifecycle
import UnixSignals

/// The HTTP server; it listens at once and answers 503 until the model is loaded.
public struct Server: Service {
  private let services: Services
  private let load: @Sendable () throws -> any EmbeddingModel
  private let onListening: @Sendable (Int) -> Void

  /// `load` runs on a thread of its own; `onListening` is told the port.
  public init(
    configuration: ServerConfiguration,
    load: @escaping @Sendable () throws -> any EmbeddingModel,
    onListening: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    services = Services(configuration)
    self.load = load
    self.onListening = onListening
  }

  /// Serves until a graceful shutdown has drained the running requests, or until the task is cancelled.
  ///
  /// Throws what `load` throws, and why the address cannot be bound.
  public func run() async throws {
    // Connections count as open files.
    OpenFiles.raiseLimit()
    warn()
    let group = try listenerGroup()
    let watch = Task { [services] in
      await services.keys.watch(
        every: services.configuration.apiKeyInterval, logger: services.logger)
    }
    defer { watch.cancel() }
    // Detached, so that the listener hears of a shutdown only when the requests are drained.
    let listener = Task.detached { try await group.run() }
    services.phase.onFailure { listener.cancel() }
    let result = await withTaskCancellationHandler {
      await withGracefulShutdownHandler {
        await listener.result
      } onGracefulShutdown: {
        Task.detached {
          await services.drain()
          await group.triggerGracefulShutdown()
        }
      }
    } onCancel: {
      services.phase.beginDraining()
      listener.cancel()
    }
    let stopping = services.phase.isDraining
    await services.stopEngine()
    if let failure = services.phase.failure { throw failure }
    if case .failure(let error) = result, !stopping { throw error }
  }

  /// Serves until SIGINT or SIGTERM, then drains; a second signal ends at once. SIGHUP reads the API keys again.
  public func runUntilSignal() async throws {
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(services: [self], logger: services.quietLogger))
    let running = Task { try await group.run() }
    // Without a file to read, SIGHUP ends the program as usual, for example when its terminal closes.
    let hangup: [UnixSignal] = services.configuration.apiKeyFile == nil ? [] : [.sighup]
    let signals = Task {
      var count = 0
      for await signal in await UnixSignalsSequence(trapping: [.sigint, .sigterm] + hangup) {
        if signal == .sighup {
          reloadKeys()
          continue
        }
        count += 1
        if count == 1 { await group.triggerGracefulShutdown() } else { running.cancel() }
      }
    }
    defer { signals.cancel() }
    do {
      try await running.value
    } catch is CancellationError {}
  }

  private func reloadKeys() {
    do {
      try services.keys.reload()
      services.logger.notice("the API keys have been read")
    } catch {
      services.logger.error("the API keys stay as they were: \(error)")
    }
  }

  /// What an operator might not have meant.
  private func warn() {
    let configuration = services.configuration
    let isLocal = ["127.0.0.1", "::1", "localhost"].contains(configuration.host)
    guard !isLocal else { return }
    if services.keys.current.isEmpty {
      services.logger.warning(
        "everyone who reaches \(configuration.host) may use this server; --api-key-file asks for keys"
      )
    } else if configuration.tls == nil {
      services.logger.notice(
        "keys and texts pass unencrypted; put a proxy with TLS in front, or give --ssl-cert-file")
    }
  }

  private func listenerGroup() throws -> ServiceGroup {
    let configuration = services.configuration
    let limits = configuration.connections
    var http: HTTPServerBuilder = .http1(
      configuration: .init(
        additionalChannelHandlers: [ConnectionHandler(limits)],
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: limits.headerSize, maxHeaderListSize: limits.headerSize,
          maxHeaderFieldCount: limits.headerCount)))
    if let tls = configuration.tls { http = try tls.wrap(http) }
    let application = Application(
      responder: Dispatcher(services: services), server: http,
      configuration: .init(
        address: .hostname(configuration.host, port: configuration.port), backlog: 1024,
        availableConnectionsDelegate: MaximumAvailableConnections(
          limits.connections, logger: services.quietLogger)),
      onServerRunning: { channel in
        let port = channel.localAddress?.port ?? configuration.port
        onListening(port)
        startLoading(port: port)
      },
      logger: services.quietLogger)
    var group = ServiceGroupConfiguration(
      services: [application], logger: services.quietLogger)
    group.maximumGracefulShutdownDuration = .seconds(5)
    return ServiceGroup(configuration: group)
  }

  private func startLoading(port: Int) {
    let thread = Thread { [services, load] in
      do {
        let model = try load()
        services.phase.finishLoading(model)
        services.logger.info(
          "ready",
          metadata: [
            "model": "\(services.modelName(model))",
            "url": "\(services.configuration.url(port: port))",
            "version": "\(apusVersion)",
          ])
      } catch {
        services.phase.fail(error)
      }
    }
    thread.name = "apus.load"
    thread.stackSize = 8 << 20
    thread.start()
  }
}
