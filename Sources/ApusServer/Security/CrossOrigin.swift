import HTTPTypes
import Hummingbird

/// Which web pages from elsewhere may call; none unless they are named.
struct CrossOrigin: Sendable {
  private let origins: Set<String>

  init(_ origins: [String]) { self.origins = Set(origins.map { $0.lowercased() }) }

  private var allowsAll: Bool { origins.contains("*") }

  /// Whether a page of the request's origin may call.
  private func allows(_ headers: HTTPFields) -> Bool {
    allowsAll || headers[.origin].map { origins.contains($0.lowercased()) } ?? false
  }

  /// A browser needs no leave to send a form or plain text: what comes from a foreign page so is refused here.
  ///
  /// Throws `RequestError.forbidden`. Programs other than browsers do not send the field this goes by.
  func check(_ request: Request) throws {
    guard request.method == .post, let site = request.headers[.fetchSite],
      site == "cross-site" || site == "same-site", !allows(request.headers)
    else { return }
    throw RequestError.forbidden(
      "pages of other origins may not call this server; allow them with --cors-origin")
  }

  /// The answer to a browser that asks before it sends; nil unless it may.
  func preflight(_ request: Request, methods: [HTTPRequest.Method]) -> Response? {
    guard request.method == .options, allows(request.headers) else { return nil }
    var headers = HTTPFields()
    headers[.accessControlAllowMethods] = methods.map(\.rawValue).joined(separator: ", ")
    headers[.accessControlAllowHeaders] =
      request.headers[.accessControlRequestHeaders]
      ?? "authorization, content-type, x-api-key, x-request-id"
    headers[.accessControlMaxAge] = "600"
    return Response(status: .noContent, headers: headers)
  }

  /// Lets the pages that may call read the answer.
  func add(to headers: inout HTTPFields, of request: Request) {
    guard !origins.isEmpty else { return }
    if !allowsAll { headers[.vary] = "Origin" }
    guard allows(request.headers) else { return }
    headers[.accessControlAllowOrigin] = allowsAll ? "*" : request.headers[.origin]
    headers[.accessControlExposeHeaders] = HTTPField.Name.requestID.rawName
  }
}

extension ServerConfiguration {
  /// Whether the text is `*` or an origin, such as `https://chat.example.org:8443`.
  public static func isOrigin(_ text: String) -> Bool {
    guard text != "*" else { return true }
    let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
    return parts.count == 2 && !parts[0].isEmpty && !parts[1].isEmpty
      && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
      && !parts[1].contains { "/?#@,".contains($0) }
  }
}
