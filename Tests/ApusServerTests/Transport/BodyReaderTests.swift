import ApusCore
import ApusServer
import Hummingbird
import NIOCore
import Testing

@Suite struct BodyReaderTests {
  private static func body(_ text: String) -> RequestBody {
    RequestBody(buffer: ByteBuffer(string: text))
  }

  /// While one body is being read there is no room for a second, and afterwards there is.
  @Test func bodiesThatAreReadAtOnceShareABudget() async throws {
    let budget = BodyBudget(100)
    let reader = BodyReader(limit: 80, budget: budget)
    let (stream, continuation) = AsyncStream<ByteBuffer>.makeStream()
    let first = Task { try await reader.object(RequestBody(asyncSequence: stream)) }
    continuation.yield(ByteBuffer(string: #"{"a": 1"# + String(repeating: " ", count: 53)))
    while budget.remaining == 100 { await Task.yield() }
    #expect(budget.remaining == 40)
    let second = #"{"b":"# + String(repeating: " ", count: 50) + "2}"
    await #expect {
      _ = try await reader.object(Self.body(second))
    } throws: {
      "\($0)".contains("unavailable")
    }
    #expect(budget.remaining == 40)
    #expect(try await reader.object(Self.body("{}")).count == 0)
    continuation.yield(ByteBuffer(string: "}"))
    continuation.finish()
    #expect(try await first.value["a"] == 1)
    #expect(budget.remaining == 100)
    #expect(try await reader.object(Self.body(second))["b"] == 2)
    for wrong in ["{", String(repeating: " ", count: 81), "[]"] {
      await #expect(throws: (any Error).self) { try await reader.object(Self.body(wrong)) }
    }
    #expect(budget.remaining == 100)
  }
}
