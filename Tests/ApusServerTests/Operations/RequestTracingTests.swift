import ApusCore
import ApusServer
import InMemoryTracing
import Testing
import Tracing

@Suite(.serialized) struct RequestTracingTests {
  private static func spans(
    _ tracer: InMemoryTracer, count: Int
  ) async throws -> [FinishedInMemorySpan] {
    while tracer.finishedSpans.count < count { try await Task.sleep(for: .milliseconds(5)) }
    return tracer.popFinishedSpans()
  }

  @Test func aRequestIsASpanWithItsAnswersInIt() async throws {
    let tracer = InMemoryTracer()
    var configuration = ServerConfiguration()
    configuration.tracer = tracer
    let server = try await TestServer.ready(configuration: configuration)
    tracer.clearFinishedSpans()
    let body = chat("Hello", [("n", 2), ("ignore_eos", true)])
    let answer = try await server.post(
      "/v1/chat/completions", body,
      headers: [(InMemoryTracer.traceIDKey, "trace"), (InMemoryTracer.spanIDKey, "parent")])
    let spans = try await Self.spans(tracer, count: 9)
      .filter { $0.traceID == "trace" }
    let root = try #require(spans.first { $0.kind == .server })
    #expect(root.operationName == "POST /v1/chat/completions")
    #expect(root.attributes["http.response.status_code"]?.toSpanAttribute() == .int64(200))
    #expect(root.status == nil)
    #expect(root.parentSpanID == "parent")
    #expect(Set(spans.map(\.traceID)) == ["trace"])
    let generations = spans.filter { $0.parentSpanID == root.spanID }
    #expect(generations.map(\.operationName) == ["chat reader", "chat reader"])
    let prompt = try answer.json()["usage"]?["prompt_tokens"]?.intValue
    for span in generations {
      #expect(span.attributes["gen_ai.operation.name"]?.toSpanAttribute() == .string("chat"))
      #expect(
        span.attributes["gen_ai.usage.input_tokens"]?.toSpanAttribute()
          == .int64(Int64(try #require(prompt))))
      #expect(span.attributes["gen_ai.usage.output_tokens"]?.toSpanAttribute() == .int64(8))
      let parts = spans.filter { $0.parentSpanID == span.spanID }
      #expect(parts.map(\.operationName) == ["queue", "prefill", "decode"])
      // One begins where the other ends.
      for (part, next) in zip(parts, parts.dropFirst()) {
        #expect(
          part.endInstant.nanosecondsSinceEpoch == next.startInstant.nanosecondsSinceEpoch)
      }
      for part in parts {
        #expect(part.startInstant.nanosecondsSinceEpoch <= part.endInstant.nanosecondsSinceEpoch)
      }
    }
    try await server.stop()
  }

  @Test func refusedAndAbandonedRequestsEndTheirSpans() async throws {
    let tracer = InMemoryTracer()
    var configuration = ServerConfiguration()
    configuration.tracer = tracer
    let server = try await TestServer.ready(configuration: configuration)
    tracer.clearFinishedSpans()
    _ = try await server.post("/v1/completions", [:])
    _ = try await server.get("/a/path/that/nobody/knows")
    var spans = try await Self.spans(tracer, count: 2)
    #expect(spans.map(\.operationName) == ["POST /v1/completions", "GET"])
    #expect(
      spans[0].attributes["error.type"]?.toSpanAttribute() == .string("invalid_request_error"))
    #expect(spans[0].status == nil)
    let body = completion("a", [("stream", true), ("ignore_eos", true), ("max_tokens", 2000)])
    try await RawClient.abandon("/v1/completions", port: server.port, body: body.utf8) {
      String(decoding: $0, as: UTF8.self).contains("data: ")
    }
    spans = try await Self.spans(tracer, count: 2)
    #expect(Set(spans.map(\.operationName)) == ["POST /v1/completions", "text_completion reader"])
    #expect(tracer.activeSpans.isEmpty)
    try await server.stop()
  }
}
