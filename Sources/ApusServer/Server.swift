import Apus
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
    let group = listenerGroup()
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

  /// Serves until SIGINT or SIGTERM, then drains; a second signal ends at once.
  public func runUntilSignal() async throws {
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(services: [self], logger: services.quietLogger))
    let running = Task { try await group.run() }
    let signals = Task {
      var count = 0
      for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
        count += 1
        if count == 1 { await group.triggerGracefulShutdown() } else { running.cancel() }
      }
    }
    defer { signals.cancel() }
    do {
      try await running.value
    } catch is CancellationError {}
  }

  private func listenerGroup() -> ServiceGroup {
    let configuration = services.configuration
    let application = Application(
      responder: Dispatcher(services: services),
      server: .http1(
        configuration: .init(
          additionalChannelHandlers: [ConnectionHandler()], idleTimeout: .seconds(75))),
      configuration: .init(address: .hostname(configuration.host, port: configuration.port)),
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
        let host = services.configuration.host
        let address = host.contains(":") ? "[\(host)]" : host
        services.logger.info("ready: \(services.modelName(model)) on http://\(address):\(port)")
      } catch {
        services.phase.fail(error)
      }
    }
    thread.name = "apus.load"
    thread.stackSize = 8 << 20
    thread.start()
  }
}
