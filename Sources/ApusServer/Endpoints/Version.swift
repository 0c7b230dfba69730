import Hummingbird

/// The version of the program.
struct Version: Endpoint {
  let paths = ["/version"]

  func respond(to call: Call, using services: Services) async throws -> Response {
    .json(["version": .string(apusVersion)])
  }
}
