import HTTPTypes
import Hummingbird

/// Interfaces that clients may know from other servers and that this one does not have yet.
struct NotSupported: Endpoint {
  let method = HTTPRequest.Method.post
  let paths = [
    "/v1/batches"
  ]

  func respond(to call: Call, using services: Services) async throws -> Response {
    throw RequestError.unsupported(parameter: nil, "\(call.path) is not supported")
  }
}
