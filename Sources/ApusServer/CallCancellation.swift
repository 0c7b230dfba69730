import ApusScheduling
import NIOCore

extension Call {
  /// Lets a request share the machine as one of the call's tenant.
  func claim(_ scheduling: inout SequenceAttributes) {
    if !tenant.isEmpty { scheduling.tenant = tenant }
  }

  /// Runs work over so many tokens of prompts that writes nothing: it counts as a request that runs, and ends when the
  /// client goes away.
  func read<Value: Sendable>(
    promptTokens: Int, using services: Services,
    _ work: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let lease = services.requests.begin(promptTokens: promptTokens)
    defer { withExtendedLifetime(lease) {} }
    return try await untilClosed(work)
  }

  /// Runs work that ends when the client goes away.
  private func untilClosed<Value: Sendable>(
    _ work: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let task = Task { try await work() }
    closed?.whenComplete { _ in task.cancel() }
    return try await withTaskCancellationHandler {
      do {
        return try await task.value
      } catch is CancellationError {
        throw Task.isCancelled
          ? RequestError.unavailable("the server is shutting down") : RequestError.disconnected
      }
    } onCancel: {
      task.cancel()
    }
  }
}
