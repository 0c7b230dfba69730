import Dispatch

/// Runs work on long texts where it holds up neither HTTP nor other requests' tasks.
enum HeavyWork {
  /// Texts of at most this many bytes are handled in place.
  static let threshold = 64 << 10

  private static let queue = DispatchQueue(label: "apus.text", attributes: .concurrent)

  /// Calls `body` here or, if the text is long, on a thread of its own.
  static func run<Value: Sendable>(
    byteCount: Int, _ body: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    guard byteCount > threshold else { return try body() }
    return try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result(catching: body)) }
    }
  }
}
