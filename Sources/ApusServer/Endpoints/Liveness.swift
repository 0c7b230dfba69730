import Hummingbird

/// Whether the process serves at all, also while the model loads and while the server shuts down.
struct Liveness: Endpoint {
  let paths = ["/livez"]
  let isPublic = true
  let isProbe = true

  func respond(to call: Call, using services: Services) async throws -> Response {
    .json(["status": "ok"])
  }
}
