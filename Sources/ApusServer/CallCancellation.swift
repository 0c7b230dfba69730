import NIOCore

extension Call {
  /// Runs work that ends when the client goes away.
  func untilClosed<Value: Sendable>(
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
