import Foundation

/// The base of a server's URLs, as `--base-url` gives it.
package struct ServerAddress: Sendable, Equatable, CustomStringConvertible {
  package let isSecure: Bool
  package let host: String
  package let port: Int
  /// What stands before the paths of endpoints, without a slash at its end.
  package let prefix: String

  /// Reads `http://host:port/prefix`; a prefix `/v1`, as OpenAI's clients take it, is left out.
  package init(parsing text: String) throws {
    guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
      let host = parts.host, !host.isEmpty, parts.query == nil
    else { throw AddressError.malformed(text) }
    guard ["http", "https"].contains(scheme) else { throw AddressError.malformed(text) }
    isSecure = scheme == "https"
    self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
    port = parts.port ?? (isSecure ? 443 : 80)
    var path = parts.path[...]
    while path.hasSuffix("/") { path = path.dropLast() }
    if path.hasSuffix("/v1") { path = path.dropLast(3) }
    prefix = String(path)
  }

  /// What stands in a Host header.
  var authority: String {
    let name = host.contains(":") ? "[\(host)]" : host
    return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
  }

  package var description: String { "\(isSecure ? "https" : "http")://\(authority)\(prefix)" }
}

package enum AddressError: Error, Equatable, CustomStringConvertible {
  case malformed(String)

  package var description: String {
    switch self {
    case .malformed(let text): "'\(text)' is no URL such as http://127.0.0.1:8080"
    }
  }
}
