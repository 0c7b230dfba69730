import Hummingbird

/// Whether requests are taken: 503 while the model loads and while the server shuts down.
struct Health: Endpoint {
  let paths = ["/health", "/v1/health", "/readyz"]
  let isPublic = true
  let isProbe = true

  func respond(to call: Call, using services: Services) async throws -> Response {
    _ = try services.anyModel()
    return .json(["status": "ok"])
  }
}
