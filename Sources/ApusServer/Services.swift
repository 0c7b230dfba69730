import Apus
import ApusEngine
import Foundation
import Logging
import Synchronization

/// What the endpoints share.
final class Services: Sendable {
  let configuration: ServerConfiguration
  let phase = Phase()
  let requests = ActiveRequests()
  let metrics = Metrics()
  let bodyBudget: BodyBudget
  let keys: APIKeyRing
  let tracing: RequestTracing
  let logger: Logger
  /// For libraries that tell more than an operator wants to read.
  let quietLogger: Logger
  let started = Int(Date().timeIntervalSince1970)
  let begun = ContinuousClock.now

  init(_ configuration: ServerConfiguration) {
    self.configuration = configuration
    bodyBudget = BodyBudget(8 * configuration.maxBodySize)
    keys = APIKeyRing(configuration.apiKeys, file: configuration.apiKeyFile)
    tracing = RequestTracing(configuration.tracer)
    let handler = LineLogHandler(
      configuration.logFormat, level: configuration.logLevel,
      write: configuration.logWriter ?? StandardError.write)
    logger = Logger(label: "apus") { _ in handler }
    var quiet = Logger(label: "apus.http") { _ in handler }
    quiet.logLevel = configuration.logLevel <= .debug ? configuration.logLevel : .critical
    quietLogger = quiet
  }

  /// The loaded model that writes text; throws while there is none or no more, and for an encoder.
  func model() throws -> LanguageModel {
    guard let model = try phase.model() as? LanguageModel else {
      throw RequestError.unsupported(
        parameter: nil,
        "the model is an encoder, which writes no text; it answers /v1/embeddings or /v1/rerank")
    }
    return model
  }

  /// The loaded model of any kind; throws while there is none or no more.
  func anyModel() throws -> any EmbeddingModel { try phase.model() }

  /// The name that answers carry.
  func modelName(_ model: any EmbeddingModel) -> String {
    if let alias = configuration.modelAlias { return alias }
    switch model.reference {
    case .path(let path):
      let name = URL(filePath: path).lastPathComponent
      return name.hasSuffix(".gguf") ? String(name.dropLast(5)) : name
    case .builtin(let name): return name
    case .hub(let repository, _): return repository
    }
  }

  /// Refuses new work and waits for the running requests, at most until the deadline.
  func drain() async {
    phase.beginDraining()
    let running = requests.count
    if running > 0 { logger.info("draining: \(running) requests are running") }
    let end = ContinuousClock.now + configuration.shutdownDeadline
    while requests.count > 0, ContinuousClock.now < end {
      do { try await Task.sleep(for: .milliseconds(20)) } catch { break }
    }
    await stopEngine()
  }

  /// Ends what still runs.
  func stopEngine() async { await phase.language?.engine.shutdown(deadline: .zero) }
}

/// Whether there is a model to ask.
final class Phase: Sendable {
  private struct State {
    var model: (any EmbeddingModel)?
    var failure: (any Error)?
    var draining = false
    var onFailure: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())

  var loaded: (any EmbeddingModel)? { state.withLock { $0.model } }
  /// The loaded model if it writes text.
  var language: LanguageModel? { loaded as? LanguageModel }
  var failure: (any Error)? { state.withLock { $0.failure } }
  var isDraining: Bool { state.withLock { $0.draining } }

  func model() throws -> any EmbeddingModel {
    try state.withLock { state in
      if state.draining { throw RequestError.unavailable("the server is shutting down") }
      guard let model = state.model else {
        throw RequestError.unavailable("the model is still loading")
      }
      return model
    }
  }

  func finishLoading(_ model: any EmbeddingModel) { state.withLock { $0.model = model } }
  func beginDraining() { state.withLock { $0.draining = true } }
  func onFailure(_ action: @escaping @Sendable () -> Void) {
    state.withLock { $0.onFailure = action }
  }

  func fail(_ error: any Error) {
    let action = state.withLock { state in
      state.failure = error
      return state.onFailure
    }
    action?()
  }
}
