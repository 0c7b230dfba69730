import Apus
import ApusCore
import ApusEngine
import ApusServer
import Foundation
import ServiceLifecycle
import Synchronization
import Testing

/// A server with the builtin model on a port of its own.
final class TestServer: Sendable {
  let port: Int
  let group: ServiceGroup
  let task: Task<Void, any Error>
  private let box: Box

  /// One server for all tests that leave nothing behind.
  static let shared = Task { try await TestServer.ready() }

  /// `gate` holds loading up; `load` takes the place of the builtin model.
  init(
    configuration: ServerConfiguration = ServerConfiguration(),
    engine: EngineConfiguration = EngineConfiguration(),
    reference: ModelReference = .builtin("reader"),
    gate: @escaping @Sendable () throws -> Void = {},
    load: (@Sendable () throws -> any EmbeddingModel)? = nil
  ) async throws {
    let loaded = Box()
    let (ports, continuation) = AsyncStream<Int>.makeStream()
    var configuration = configuration
    configuration.port = 0
    if configuration.logWriter == nil { configuration.logLevel = .critical }
    let server = Server(
      configuration: configuration,
      load: {
        try gate()
        if let load { return try load() }
        let model = try LanguageModel(reference, configuration: engine)
        loaded.model.withLock { $0 = model }
        return model
      }, onListening: { continuation.yield($0) })
    let group = ServiceGroup(
      configuration: .init(services: [server], logger: .init(label: "test")))
    self.group = group
    task = Task { try await group.run() }
    var iterator = ports.makeAsyncIterator()
    port = await iterator.next() ?? 0
    box = loaded
  }

  private final class Box: Sendable {
    let model = Mutex<LanguageModel?>(nil)
  }

  var model: LanguageModel? { box.model.withLock { $0 } }

  static func ready(
    configuration: ServerConfiguration = ServerConfiguration(),
    engine: EngineConfiguration = EngineConfiguration(),
    reference: ModelReference = .builtin("reader"),
    load: (@Sendable () throws -> any EmbeddingModel)? = nil
  ) async throws -> TestServer {
    let server = try await TestServer(
      configuration: configuration, engine: engine, reference: reference, load: load)
    while try await server.get("/health").status != 200 {
      try await Task.sleep(for: .milliseconds(20))
    }
    return server
  }

  func stop() async throws {
    await group.triggerGracefulShutdown()
    try await task.value
  }

  func get(_ path: String, headers: [(String, String)] = []) async throws -> RawResponse {
    try await RawClient.request("GET", path, port: port, headers: headers)
  }

  func post(
    _ path: String, _ body: JSONValue, headers: [(String, String)] = []
  ) async throws -> RawResponse {
    try await RawClient.request("POST", path, port: port, body: body.utf8, headers: headers)
  }

  /// Waits until a request runs.
  func waitUntilRunning(within limit: Duration = .seconds(300)) async throws {
    let end = ContinuousClock.now + limit
    while model?.engine.statistics.running ?? 0 == 0 {
      try #require(ContinuousClock.now < end, "no request ran")
      try await Task.sleep(for: .milliseconds(1))
    }
  }

  /// Waits until the engine has nothing to do; false after `limit`.
  func becomesIdle(within limit: Duration = .seconds(300)) async throws -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
      if let statistics = model?.engine.statistics, statistics.running == 0,
        statistics.waiting == 0, statistics.usedPages == 0
      {
        return true
      }
      try await Task.sleep(for: .milliseconds(10))
    }
    return false
  }
}

extension EngineConfiguration {
  /// For tests that must see a request while it runs, however busy the machine: a hundred tokens a second.
  static var slow: EngineConfiguration {
    var configuration = EngineConfiguration()
    configuration.instructionSet = "scalar"
    configuration.threadCount = 1
    return configuration
  }
}

/// `{"messages": [{"role": "user", ...}]}` with more fields.
func chat(_ text: String, _ fields: [(String, JSONValue)] = []) -> JSONValue {
  var object = JSONObject([
    ("messages", [["role": "user", "content": .string(text)]]), ("max_tokens", 8),
    ("temperature", 0),
  ])
  for (name, value) in fields { object[name] = value }
  return .object(object)
}

/// `{"prompt": ...}` with more fields.
func completion(_ prompt: JSONValue, _ fields: [(String, JSONValue)] = []) -> JSONValue {
  var object = JSONObject([("prompt", prompt), ("max_tokens", 8), ("temperature", 0)])
  for (name, value) in fields { object[name] = value }
  return .object(object)
}

extension JSONValue {
  /// The element of an array; nil for every other kind of value.
  subscript(index: Int) -> JSONValue? {
    guard let elements = arrayValue, elements.indices.contains(index) else { return nil }
    return elements[index]
  }
}
