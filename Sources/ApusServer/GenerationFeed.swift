import Apus
import ApusEngine
import NIOCore

/// The events of all choices of one request in one stream, with a beat now and then so that a silent stream can be
/// kept alive.
///
/// Dropping the stream cancels all choices, and so does the client by going away.
enum GenerationFeed {
  enum Item: Sendable {
    case event(choice: Int, TextEvent)
    case beat
  }

  typealias Stream = AsyncThrowingStream<Item, any Error>

  static func start(
    _ requests: [TextRequest], model: LanguageModel, call: Call, services: Services
  ) -> Stream {
    let (stream, continuation) = Stream.makeStream()
    let work = Task {
      do {
        try await withThrowingTaskGroup { group in
          for (choice, request) in requests.enumerated() {
            group.addTask {
              try await forward(choice, request, model, call, services, continuation)
            }
          }
          try await group.waitForAll()
        }
        continuation.finish()
      } catch {
        // A task is cancelled when nobody listens any more, which is not its error.
        if !Task.isCancelled { call.record?.fail(APIError(error).type) }
        continuation.finish(throwing: error)
      }
    }
    let interval = services.configuration.pingInterval
    let clock = Task {
      // The first beat comes soon: it lets an answer begin before its first token.
      try await Task.sleep(for: min(.seconds(1), interval))
      while !Task.isCancelled {
        continuation.yield(.beat)
        try await Task.sleep(for: interval)
      }
    }
    continuation.onTermination = { _ in
      work.cancel()
      clock.cancel()
    }
    call.closed?.whenComplete { _ in continuation.finish(throwing: RequestError.disconnected) }
    return stream
  }

  private static func forward(
    _ choice: Int, _ request: TextRequest, _ model: LanguageModel, _ call: Call,
    _ services: Services, _ continuation: Stream.Continuation
  ) async throws {
    var request = request
    call.claim(&request.generation.scheduling)
    let lease = services.requests.begin(promptTokens: request.generation.prompt.count)
    var probe = RequestProbe(services.metrics, arrived: call.arrived)
    defer { probe.end() }
    var trace = call.record.map {
      services.tracing.generation(
        request, of: call, model: services.modelName(model), in: $0.span)
    }
    defer { trace?.abort() }
    for try await event in services.configuration.generate(model, request) {
      lease.note(event)
      probe.note(event)
      call.record?.note(event)
      if case .finished(let finish) = event {
        trace?.end(finish)
        trace = nil
      }
      continuation.yield(.event(choice: choice, event))
    }
  }
}
