import ApusCore
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1

/// Finds the endpoint of a request, checks what all endpoints want checked, and turns errors into answers.
struct Dispatcher: HTTPResponder {
  private let services: Services
  private let authentication: Authentication
  private let crossOrigin: CrossOrigin

  init(services: Services) {
    self.services = services
    authentication = Authentication(services.keys)
    crossOrigin = CrossOrigin(services.configuration.corsOrigins)
  }

  func respond(to request: Request, context: ConnectionContext) async throws -> Response {
    let candidates = Endpoints.all.filter { $0.matches(request.uri.path) }
    let record = record(of: request, context, candidates)
    var response: Response
    do {
      response = try await answer(request, context, candidates, record)
    } catch {
      let error = try Self.unwrapped(error)
      let mapped = APIError(error)
      record.fail(
        error as? RequestError == .disconnected ? RequestRecord.clientClosed : mapped.type)
      if mapped.status == .internalServerError {
        services.logger.error(
          "\(error)", metadata: ["id": "\(record.id)", "path": "\(request.uri.path)"])
      }
      let form = Endpoints.all.first { $0.matches(request.uri.path) }
      response = mapped.response(form?.body(of: mapped) ?? mapped.body)
    }
    response.headers[.requestID] = record.id
    crossOrigin.add(to: &response.headers, of: request)
    SecurityHeaders.add(to: &response.headers)
    if request.method == .head {
      response.headers[.contentLength] = response.body.contentLength.map(String.init)
      response.body = ResponseBody()
    }
    services.metrics.countAnswer(status: response.status.code)
    return record.watch(response)
  }

  private func answer(
    _ request: Request, _ context: ConnectionContext, _ candidates: [any Endpoint],
    _ record: RequestRecord
  ) async throws -> Response {
    let path = request.uri.path
    if let response = crossOrigin.preflight(request, methods: candidates.map(\.method)) {
      return response
    }
    let reader = BodyReader(
      limit: services.configuration.maxBodySize, budget: services.bodyBudget)
    let endpoint: any Endpoint
    let key: APIKey?
    do {
      (endpoint, key) = try find(request, among: candidates)
      try crossOrigin.check(request)
    } catch {
      try await reader.discard(request.body)
      throw error
    }
    var call = Call(path: path, arrived: record.arrived, record: record)
    call.ifNoneMatch = request.headers[.ifNoneMatch]
    call.outputLimit = OutputLimit(services.configuration.maxOutputTokens, key?.maxTokens)
    if let key {
      call.tenant = key.name
      record.note("key", .string(key.name))
    }
    if endpoint.method == .post {
      call.body = try await reader.object(request.body)
      call.closed = try await context.closed()
      if services.configuration.logPrompts {
        record.note("body", .string(JSONValue.object(call.body).text))
      }
    }
    return try await endpoint.respond(to: call, using: services)
  }

  /// What waits for a body is told of errors that the connection meets.
  ///
  /// Throws the cause where the connection is broken; Hummingbird closes it.
  private static func unwrapped(_ error: any Error) throws -> any Error {
    guard let broken = error as? BodyReader.Broken else { return error }
    switch broken.cause {
    case let error as RequestError: return error
    case is HTTPParserError: return RequestError.malformedHTTP
    default: throw broken.cause
    }
  }

  private func record(
    of request: Request, _ context: ConnectionContext, _ candidates: [any Endpoint]
  ) -> RequestRecord {
    // Paths that nobody knows would make as many names of spans.
    let route = candidates.first?.paths.first { $0.hasSuffix("*") || $0 == request.uri.path }
    let id = RequestID.of(request.headers)
    var fields: Logger.Metadata = [
      "id": .string(id), "method": .string(request.method.rawValue),
      "path": .string(String(request.uri.path.prefix(256))),
    ]
    fields["client"] = context.channel.remoteAddress?.ipAddress.map { .string($0) }
    fields["trace_id"] = RequestID.trace(of: request.headers).map { .string($0) }
    return RequestRecord(
      id: id, isProbe: candidates.contains { $0.isProbe },
      span: services.tracing.span(of: request, route: route), logger: services.logger,
      fields: fields)
  }

  /// The endpoint of the request's method, if the request may use it, and its key.
  private func find(
    _ request: Request, among candidates: [any Endpoint]
  ) throws -> (any Endpoint, APIKey?) {
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
}

extension RequestRecord {
  /// The same answer, which completes the record when it has been written.
  fileprivate func watch(_ response: Response) -> Response {
    let status = Int(response.status.code)
    guard response.body.contentLength == nil else {
      complete(status: status)
      return response
    }
    var response = response
    let body = response.body
    response.body = ResponseBody { writer in
      try await body.write(writer)
      self.complete(status: status)
    }
    return response
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
