import HTTPTypes
import Hummingbird

/// The page for people who open the server in a browser, and the files it consists of.
struct Page: Endpoint {
  let paths = ["/", "/index.html", WebFiles.folder + "*"]
  let isPublic = true

  func respond(to call: Call, using services: Services) async throws -> Response {
    let name =
      call.path.hasPrefix(WebFiles.folder)
      ? String(call.path.dropFirst(WebFiles.folder.count)) : WebFiles.start
    guard let file = WebFiles.all[name] else {
      throw RequestError.notFound("there is no \(call.path) here")
    }
    var headers: HTTPFields = [
      .eTag: file.tag, .cacheControl: "no-cache",
      .contentSecurityPolicy: Self.policy,
      .permissionsPolicy: "camera=(), geolocation=(), microphone=()",
    ]
    if Self.has(call.ifNoneMatch, file.tag) {
      return Response(status: .notModified, headers: headers)
    }
    headers[.contentType] = file.type
    return Response(
      status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: file.bytes)))
  }

  /// Scripts, styles and requests of this server alone, none of them inline.
  private static let policy = [
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'",
    "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].joined(separator: "; ")

  /// Whether one of the tags that the client names is this one; `W/` makes no difference for a whole file.
  private static func has(_ tags: String?, _ tag: String) -> Bool {
    guard let tags else { return false }
    return tags.split(separator: ",").contains { candidate in
      let candidate = candidate.drop { $0 == " " }.trimmingPrefix("W/")
      return candidate == tag || candidate == "*"
    }
  }
}
