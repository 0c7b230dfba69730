import ApusCore
import Hummingbird
import NIOCore

/// Reads the bodies of requests.
///
/// What is too large is read on and thrown away: a client that still writes when the connection closes never sees
/// the answer.
package struct BodyReader: Sendable {
  private let limit: Int
  private let budget: BodyBudget

  package init(limit: Int, budget: BodyBudget) {
    self.limit = limit
    self.budget = budget
  }

  /// So much is thrown away at most, in bodies of the largest size.
  private static let patience = 16

  /// The request ended before its body did.
  struct Broken: Error {
    let cause: any Error
  }

  /// The object in the body; an empty body counts as an empty object.
  package func object(_ body: RequestBody) async throws -> JSONObject {
    var taken = 0
    defer { budget.give(taken) }
    let buffer = try await read(body, upTo: limit, taking: &taken)
    guard buffer.readableBytes > 0 else { return JSONObject() }
    let value = try await HeavyWork.run(byteCount: buffer.readableBytes) {
      try JSONValue(parsing: Array(buffer.readableBytesView))
    }
    guard case .object(let object) = value else {
      throw RequestError.invalid(
        parameter: nil, "the body must be a JSON object, not \(value.kind)")
    }
    return object
  }

  /// Throws the body of a request away that is answered without it.
  func discard(_ body: RequestBody) async throws {
    var taken = 0
    do {
      _ = try await read(body, upTo: 0, taking: &taken)
    } catch is RequestError {}
  }

  private func read(
    _ body: RequestBody, upTo limit: Int, taking taken: inout Int
  ) async throws -> ByteBuffer {
    var buffer = ByteBuffer()
    var count = 0
    var isCrowded = false
    do {
      for try await var chunk in body {
        count += chunk.readableBytes
        if count <= limit, !isCrowded, budget.take(chunk.readableBytes) {
          taken += chunk.readableBytes
          buffer.writeBuffer(&chunk)
        } else {
          isCrowded = count <= limit
          // The others can have it.
          budget.give(taken)
          taken = 0
          buffer = ByteBuffer()
          if count > Self.patience * self.limit { break }
        }
      }
    } catch {
      throw Broken(cause: error)
    }
    guard count <= limit else { throw RequestError.bodyTooLarge(limit: limit) }
    guard !isCrowded else {
      throw RequestError.unavailable("too many large bodies are being read at once")
    }
    return buffer
  }
}
