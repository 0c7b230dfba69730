import Hummingbird

/// The metrics for Prometheus.
struct MetricsText: Endpoint {
  let paths = ["/metrics"]
  let isProbe = true

  func respond(to call: Call, using services: Services) async throws -> Response {
    guard services.configuration.metrics else {
      throw RequestError.unsupported(
        parameter: nil, "metrics are turned off; start the server with --metrics")
    }
    // Also while draining, when the last figures are of interest.
    guard let model = services.phase.loaded else {
      throw RequestError.unavailable("the model is still loading")
    }
    var text = PrometheusText(model: services.modelName(model))
    if let engine = services.phase.language?.engine {
      text.add(engine.statistics, contextLength: engine.contextLength)
    }
    text.add(services.metrics.snapshot)
    text.add(ProcessFigures.now, started: services.started)
    return Response(
      status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: text.text)))
  }
}
