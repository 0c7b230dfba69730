import Apus
import ApusCore
import ApusEngine
import ApusServer
import Synchronization
import Testing

/// A server whose model writes what a test says, in pieces of a few characters; each suite has its own, as suites run
/// side by side.
final class ScriptedServer: Sendable {
  private final class Script: Sendable {
    let state = Mutex(
      (text: "", reason: FinishReason.stop, request: TextRequest(prompt: [])))
  }

  let server: TestServer
  private let script: Script

  init(
    reference: ModelReference = .builtin("reader"),
    _ change: (inout ServerConfiguration) -> Void = { _ in }
  ) async throws {
    let script = Script()
    var configuration = ServerConfiguration()
    configuration.generate = { model, request in
      let (text, reason) = script.state.withLock { state in
        state.request = request
        return (state.text, state.reason)
      }
      return TextStream { continuation in
        var timings = GenerationTimings()
        timings.promptTokens = request.generation.prompt.count
        var rest = text[...]
        while !rest.isEmpty {
          timings.generatedTokens += 1
          continuation.yield(.delta(text: String(rest.prefix(3)), tokens: []))
          rest = rest.dropFirst(3)
        }
        continuation.yield(
          .finished(TextFinish(reason: reason, stopString: nil, timings: timings)))
        continuation.finish()
      }
    }
    change(&configuration)
    self.script = script
    server = try await TestServer.ready(configuration: configuration, reference: reference)
  }

  /// What the model writes from now on.
  func say(_ text: String, _ reason: FinishReason = .stop) {
    script.state.withLock {
      $0.text = text
      $0.reason = reason
    }
  }

  /// The last request that came to the model.
  var request: TextRequest { script.state.withLock { $0.request } }

  /// The prompt of the last request.
  var prompt: String { server.model?.tokenizer.decode(request.generation.prompt) ?? "" }

  /// The answer to a body, as a whole and as the events of a stream.
  func ask(_ path: String, _ body: JSONValue) async throws -> (
    whole: JSONValue, events: [JSONValue]
  ) {
    guard case .object(var object) = body else { return (.null, []) }
    let whole = try await server.post(path, body)
    #expect(whole.status == 200, "\(whole.text)")
    object["stream"] = true
    let stream = try await server.post(path, .object(object))
    #expect(stream.status == 200, "\(stream.text)")
    return (try whole.json(), try stream.namedEvents())
  }
}

extension RawResponse {
  /// The objects of all events; those that have a name must be of that type.
  func namedEvents() throws -> [JSONValue] {
    var events: [JSONValue] = []
    for block in text.components(separatedBy: "\n\n") where !block.hasPrefix(":") {
      let lines = block.split(separator: "\n")
      guard let data = lines.last(where: { $0.hasPrefix("data: ") })?.dropFirst(6), data != "[DONE]"
      else { continue }
      let value = try JSONValue(parsing: String(data))
      if let name = lines.first(where: { $0.hasPrefix("event: ") })?.dropFirst(7) {
        #expect(value["type"] == .string(String(name)))
      }
      events.append(value)
    }
    return events
  }
}
