import Apus
import ApusCore
import HTTPTypes
import Hummingbird
import NIOCore

/// What the server answers under some paths.
protocol Endpoint: Sendable {
  var method: HTTPRequest.Method { get }
  /// A path that ends with `*` stands for all that begin so.
  var paths: [String] { get }
  /// Answers without an API key.
  var isPublic: Bool { get }
  /// Whether machines ask all the time whether the server is well.
  var isProbe: Bool { get }
  /// Throws what `APIError` maps.
  func respond(to call: Call, using services: Services) async throws -> Response
  /// How an error is told, whoever found it.
  func body(of error: APIError) -> JSONValue
}

extension Endpoint {
  var method: HTTPRequest.Method { .get }
  var isPublic: Bool { false }
  var isProbe: Bool { false }

  func body(of error: APIError) -> JSONValue { error.body }

  func matches(_ path: String) -> Bool {
    paths.contains { $0.hasSuffix("*") ? path.hasPrefix($0.dropLast()) : $0 == path }
  }
}

/// An endpoint that generates text.
protocol GeneratingEndpoint: Endpoint {
  /// Checks the body and makes its prompts; `name` is what answers call the model.
  func answer(
    to body: JSONObject, model: LanguageModel, name: String, settings: MessageSettings
  ) async throws -> Answer
}

extension GeneratingEndpoint {
  var method: HTTPRequest.Method { .post }

  func respond(to call: Call, using services: Services) async throws -> Response {
    let model = try services.model()
    let answer = try await answer(
      to: call.body, model: model, name: services.modelName(model),
      settings: services.configuration.messages)
    return try await answer.respond(to: call, model: model, services: services)
  }
}

/// A request that has been read.
struct Call: Sendable {
  let path: String
  let arrived: ContinuousClock.Instant
  /// Whose requests share the machine as one; empty without API keys.
  var tenant = ""
  var body = JSONObject()
  /// What the client has of this already.
  var ifNoneMatch: String?
  /// How long the answer may become.
  var outputLimit = OutputLimit()
  /// What is told of the request when it has been answered.
  var record: RequestRecord?
  /// Done when the client has gone.
  var closed: EventLoopFuture<Void>?
}

/// All endpoints; to add one is a file in this folder and a line here.
package enum Endpoints {
  /// The types in the list.
  package static var names: [String] { all.map { String(describing: type(of: $0)) } }

  static let all: [any Endpoint] = [
    Page(),
    Health(),
    Liveness(),
    Models(),
    MetricsText(),
    Version(),
    Props(),
    Slots(),
    EngineStatus(),
    ChatCompletions(),
    Completions(),
    LlamaCompletion(),
    Infill(),
    Responses(),
    Messages(),
    CountTokens(),
    Tokenize(),
    Detokenize(),
    ApplyTemplate(),
    Embeddings(),
    Rerank(),
    NotSupported(),
  ]
}
