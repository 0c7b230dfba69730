import ApusCore
import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// What the hub's server says about repositories and their files.
struct HubClient {
  let endpoint: String
  let token: String?

  /// `HF_ENDPOINT` and `HF_TOKEN`, or the token that `huggingface-cli login` stored.
  init(environment: [String: String], home: String) {
    var endpoint = environment["HF_ENDPOINT"] ?? ""
    while endpoint.hasSuffix("/") { endpoint.removeLast() }
    self.endpoint = endpoint.isEmpty ? "https://huggingface.co" : endpoint
    let path = environment["HF_TOKEN_PATH"] ?? home + "/token"
    let text = environment["HF_TOKEN"] ?? (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
    self.token = token.isEmpty ? nil : token
  }

  struct Listing {
    let commit: String
    let files: [String]
  }

  /// The files of a repository at its newest commit.
  func listing(of repository: String) throws -> Listing {
    let url = try url("/api/models/\(repository)")
    var bytes: [UInt8] = []
    var status = 0
    try follow(request("GET", url)) { response in
      bytes = []
      status = response.statusCode
    } body: {
      bytes += $0
    }
    try check(status, name: "hf:\(repository)", url: url)
    let json: JSONValue
    do {
      json = try JSONValue(parsing: bytes)
    } catch {
      throw HubError.malformed(url: url.absoluteString, reason: "\(error)")
    }
    let files = json["siblings"]?.arrayValue?.compactMap { $0["rfilename"]?.stringValue } ?? []
    guard let commit = json["sha"]?.stringValue, Self.isSafe(name: commit) else {
      throw HubError.malformed(url: url.absoluteString, reason: "it names no commit")
    }
    return Listing(commit: commit, files: files.filter(Self.isSafe(path:)))
  }

  /// Where a file's bytes are, and what they must be.
  struct FileSource {
    let url: URL
    let etag: String
    let size: Int?

    /// The SHA-256 of a large file; small files are named by git's own digest.
    var checksum: String? {
      etag.count == 64 && etag.allSatisfy { $0.isHexDigit } ? etag.lowercased() : nil
    }
  }

  func source(of file: String, repository: String, commit: String) throws -> FileSource {
    var url = try url("/\(repository)/resolve/\(commit)/\(file)")
    for _ in 0..<8 {
      var answer: HTTPURLResponse?
      try HubTransfer.run(request("HEAD", url)) { answer = $0 }
      guard let answer else { throw HubError.malformed(url: url.absoluteString, reason: "empty") }
      let header = { (name: String) in answer.value(forHTTPHeaderField: name) }
      let linked = header("X-Linked-Etag")
      if (300..<400).contains(answer.statusCode), linked == nil,
        let next = header("Location").flatMap({ URL(string: $0, relativeTo: url) })
      {
        url = next.absoluteURL
        continue
      }
      if answer.statusCode >= 400 || linked == nil {
        try check(answer.statusCode, name: "hf:\(repository):\(file)", url: url)
      }
      guard let etag = Self.unquoted(linked ?? header("ETag") ?? ""), Self.isSafe(name: etag) else {
        throw HubError.malformed(url: url.absoluteString, reason: "\(file) has no ETag")
      }
      let size = header("X-Linked-Size") ?? (linked == nil ? header("Content-Length") : nil)
      return FileSource(url: url, etag: etag, size: size.flatMap { Int($0) })
    }
    throw HubError.malformed(url: url.absoluteString, reason: "too many redirects")
  }

  /// Gets a file from byte `offset` on; the token goes to the hub only, not to where it redirects.
  func get(
    _ url: URL, from offset: Int, head: (HTTPURLResponse) throws -> Void,
    body: ([UInt8]) throws -> Void
  ) throws {
    var request = request("GET", url)
    if offset > 0 { request.setValue("bytes=\(offset)-", forHTTPHeaderField: "Range") }
    try follow(request, head: head, body: body)
  }

  private func follow(
    _ request: URLRequest, head: (HTTPURLResponse) throws -> Void, body: ([UInt8]) throws -> Void
  ) throws {
    var request = request
    for _ in 0..<8 {
      var next: URL?
      try HubTransfer.run(request) { response in
        if (300..<400).contains(response.statusCode) {
          next = response.value(forHTTPHeaderField: "Location").flatMap {
            URL(string: $0, relativeTo: request.url)?.absoluteURL
          }
        }
        if next == nil { try head(response) }
      } body: { bytes in
        if next == nil { try body(bytes) }
      }
      guard let next else { return }
      let method = request.httpMethod ?? "GET"
      let range = request.value(forHTTPHeaderField: "Range")
      request = self.request(method, next)
      request.setValue(range, forHTTPHeaderField: "Range")
    }
    throw HubError.malformed(
      url: request.url?.absoluteString ?? endpoint, reason: "too many redirects")
  }

  private func request(_ method: String, _ url: URL) -> URLRequest {
    var request = URLRequest(url: url)
    request.httpMethod = method
    request.setValue("apus", forHTTPHeaderField: "User-Agent")
    request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
    let hub = URL(string: endpoint)
    if let token, (url.scheme, url.host, url.port) == (hub?.scheme, hub?.host, hub?.port) {
      request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
    }
    return request
  }

  private func url(_ path: String) throws -> URL {
    let text = path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? path
    guard let url = URL(string: endpoint + text), url.host != nil else {
      throw HubError.unreachable(endpoint: endpoint, reason: "it is no address")
    }
    return url
  }

  func check(_ status: Int, name: String, url: URL) throws {
    switch status {
    case 200..<300: return
    case 401: throw HubError.unauthorized(name)
    case 403: throw HubError.forbidden(name, endpoint: endpoint)
    case 404: throw HubError.notFound(name, endpoint: endpoint)
    default: throw HubError.status(status, url: url.absoluteString)
    }
  }

  private static func unquoted(_ etag: String) -> String? {
    var text = etag[...]
    if text.hasPrefix("W/") { text = text.dropFirst(2) }
    let trimmed = text.trimmingCharacters(in: CharacterSet(charactersIn: "\" "))
    return trimmed.isEmpty ? nil : trimmed
  }

  /// Whether a name from the network can be a file's name in the cache.
  private static func isSafe(name: String) -> Bool {
    !name.isEmpty && !name.hasPrefix(".") && name.utf8.count <= 200
      && name.unicodeScalars.allSatisfy {
        $0.isASCII && ($0.properties.isAlphabetic || "0123456789-_.".unicodeScalars.contains($0))
      }
  }

  private static func isSafe(path: String) -> Bool {
    !path.isEmpty && !path.hasPrefix("/") && !path.unicodeScalars.contains { $0.value < 32 }
      && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
        !$0.isEmpty && $0 != "." && $0 != ".."
      }
  }
}
