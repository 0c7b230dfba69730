import ApusCore
import HTTPTypes
import Hummingbird
import NIOCore

/// Finds the endpoint of a request, checks what all endpoints want checked, and turns errors into answers.
struct Dispatcher: HTTPResponder {
  private let services: Services
  private let authentication: Authentication

  init(services: Services) {
    self.services = services
    authentication = Authentication(services.configuration.apiKeys)
  }

  func respond(to request: Request, context: ConnectionContext) async throws -> Response {
    let arrived = ContinuousClock.now
    var response: Response
    do {
      response = try await answer(request, context, arrived: arrived)
    } catch let error as BodyReader.Broken {
      // The connection is broken; Hummingbird answers and closes it.
      throw error.cause
    } catch {
      let mapped = APIError(error)
      if mapped.status == .internalServerError {
        services.logger.error("\(request.method) \(request.uri.path): \(error)")
      }
      let form = Endpoints.all.first { $0.matches(request.uri.path) }
      response = mapped.response(form?.body(of: mapped) ?? mapped.body)
    }
    if let origin = services.configuration.corsOrigin {
      response.headers[.accessControlAllowOrigin] = origin
    }
    response.headers[.xContentTypeOptions] = "nosniff"
    if request.method == .head {
      response.headers[.contentLength] = response.body.contentLength.map(String.init)
      response.body = ResponseBody()
    }
    services.logger.debug(
      "\(request.method) \(request.uri.path) \(response.status.code) in \(arrived.duration(to: .now))"
    )
    return response
  }

  private func answer(
    _ request: Request, _ context: ConnectionContext, arrived: ContinuousClock.Instant
  ) async throws -> Response {
    let path = request.uri.path
    let candidates = Endpoints.all.filter { $0.matches(path) }
    if request.method == .options, services.configuration.corsOrigin != nil {
      return preflight(candidates)
    }
    let reader = BodyReader(limit: services.configuration.maxBodySize)
    let endpoint: any Endpoint
    let key: Int?
    do {
      (endpoint, key) = try find(request, among: candidates)
    } catch {
      try await reader.discard(request.body)
      throw error
    }
    var call = Call(path: path, arrived: arrived)
    if let key { call.tenant = "key \(key)" }
    if endpoint.method == .post {
      call.body = try await reader.object(request.body)
      call.closed = try await context.closed()
    }
    return try await endpoint.respond(to: call, using: services)
  }

  /// The endpoint of the request's method, if the request may use it, and the number of its key.
  private func find(
    _ request: Request, among candidates: [any Endpoint]
  ) throws -> (any Endpoint, key: Int?) {
    let path = request.uri.path
    let method = request.method == .head ? .get : request.method
    let endpoint = candidates.first { $0.method == method }
    let key = endpoint?.isPublic == true ? nil : try authentication.check(request.headers)
    if let endpoint { return (endpoint, key) }
    guard let other = candidates.first else {
      throw RequestError.notFound("there is no \(path) here")
    }
    throw RequestError.wrongMethod(path: path, allowed: other.method.rawValue)
  }

  private func preflight(_ endpoints: [any Endpoint]) -> Response {
    var headers = HTTPFields()
    headers[.accessControlAllowMethods] =
      endpoints.map(\.method.rawValue).joined(separator: ", ")
    headers[.accessControlAllowHeaders] = "authorization, content-type, x-api-key"
    headers[.accessControlMaxAge] = "600"
    return Response(status: .noContent, headers: headers)
  }
}

extension Response {
  /// An answer in JSON.
  static func json(
    _ value: JSONValue, status: HTTPResponse.Status = .ok, headers: HTTPFields = HTTPFields()
  ) -> Response {
    var headers = headers
    headers[.contentType] = "application/json"
    return Response(
      status: status, headers: headers,
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.utf8)))
  }
}
