import Apus
import ApusEngine
import HTTPTypes
import Hummingbird
import Tracing

/// Makes the spans of requests, by OpenTelemetry's conventions for HTTP and for generative AI.
struct RequestTracing: Sendable {
  private let tracer: (any Tracer)?

  /// Without a tracer of its own, spans go to the one the program has been bootstrapped with, and nowhere if there is
  /// none.
  init(_ tracer: (any Tracer)?) { self.tracer = tracer }

  private var current: any Tracer { tracer ?? InstrumentationSystem.tracer }

  /// The span of a whole request, in the trace that the request's header fields name.
  func span(of request: Request, route: String?) -> any Span {
    var context = ServiceContext.topLevel
    let tracer = current
    tracer.extract(request.headers, into: &context, using: HeaderExtractor())
    let method = request.method.rawValue
    let name = [method, route].compactMap { $0 }.joined(separator: " ")
    let span = tracer.startSpan(name, context: context, ofKind: .server)
    span.attributes["http.request.method"] = method
    if let route { span.attributes["http.route"] = route }
    span.attributes["url.path"] = request.uri.path
    return span
  }

  /// The spans of one answer, which are told in hindsight: what it waited for, and how long, the engine knows.
  func generation(
    _ request: TextRequest, of call: Call, model: String, in parent: any Span
  ) -> GenerationTrace {
    let tracer = current
    let isCompletion = ["/completion", "/completions", "/v1/completions", "/infill"]
      .contains(call.path)
    let operation = isCompletion ? "text_completion" : "chat"
    let span = tracer.startSpan("\(operation) \(model)", context: parent.context, ofKind: .internal)
    if span.isRecording {
      let sampling = request.generation.sampling
      span.attributes["gen_ai.operation.name"] = operation
      span.attributes["gen_ai.provider.name"] = "apus"
      span.attributes["gen_ai.request.model"] = model
      span.attributes["gen_ai.response.model"] = model
      span.attributes["gen_ai.request.max_tokens"] = request.generation.maxTokens
      span.attributes["gen_ai.request.temperature"] = Double(sampling.temperature)
      span.attributes["gen_ai.request.top_p"] = Double(sampling.topP)
      span.attributes["gen_ai.request.seed"] = sampling.seed.map { String($0) }
    }
    return GenerationTrace(tracer: tracer, span: span)
  }

  private struct HeaderExtractor: Extractor {
    func extract(key: String, from headers: HTTPFields) -> String? {
      HTTPField.Name(key).flatMap { headers[$0] }
    }
  }
}

/// The span of one answer, with one each for the queue, the prefill and the decode in it.
struct GenerationTrace: Sendable {
  private let tracer: any Tracer
  private let span: any Span

  fileprivate init(tracer: any Tracer, span: any Span) {
    self.tracer = tracer
    self.span = span
  }

  func end(_ finish: TextFinish) {
    let timings = finish.timings
    let end = DefaultTracerClock.now.nanosecondsSinceEpoch
    var instant = end &- (timings.queued + timings.prefill + timings.decode).nanoseconds
    for (name, duration) in [
      ("queue", timings.queued), ("prefill", timings.prefill), ("decode", timings.decode),
    ] {
      let start = instant
      instant = start &+ duration.nanoseconds
      tracer.startSpan(
        name, context: span.context, ofKind: .internal,
        at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: start)
      ).end(at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: instant))
    }
    span.attributes["gen_ai.usage.input_tokens"] = timings.promptTokens
    span.attributes["gen_ai.usage.cache_read.input_tokens"] = timings.cachedTokens
    span.attributes["gen_ai.usage.output_tokens"] = timings.generatedTokens
    span.attributes["gen_ai.response.finish_reasons"] = [finish.reason.rawValue]
    span.end(at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: end))
  }

  /// The answer ended before it was complete.
  func abort() {
    span.setStatus(SpanStatus(code: .error))
    span.end()
  }
}

extension Duration {
  fileprivate var nanoseconds: UInt64 { UInt64(max(0, seconds) * 1e9) }
}
