import ApusCore
import Foundation

/// An HTTP client on a bare socket, so that tests decide when a connection closes.
struct RawResponse: Sendable {
  let status: Int
  let headers: [String: String]
  let body: [UInt8]

  var text: String { String(decoding: body, as: UTF8.self) }
  func json() throws -> JSONValue { try JSONValue(parsing: body) }

  /// The payloads of server-sent events; comments are left out.
  var events: [String] {
    text.components(separatedBy: "\n\n").filter { $0.hasPrefix("data: ") }
      .map { String($0.dropFirst("data: ".count)) }
  }

  /// The events that are JSON.
  func chunks() throws -> [JSONValue] {
    try events.filter { $0 != "[DONE]" }.map { try JSONValue(parsing: $0) }
  }
}

struct SocketError: Error {
  let what: String
}

final class RawConnection: Sendable {
  private let descriptor: Int32

  init(port: Int, timeout: Int = 600) throws {
    #if canImport(Glibc)
      let kind = Int32(SOCK_STREAM.rawValue)
    #else
      let kind = SOCK_STREAM
    #endif
    descriptor = socket(AF_INET, kind, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw SocketError(what: "connect: errno \(errno)") }
    var limit = timeval(tv_sec: timeout, tv_usec: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  /// Ends the connection in both directions.
  func shutDown() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Foundation.send(
          descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent,
          Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw SocketError(what: "send: errno \(errno)") }
      sent += count
    }
  }

  /// Some bytes; empty when the server has closed.
  func receive() throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    if count < 0 {
      // A server may close with bytes of ours unread.
      if errno == ECONNRESET { return [] }
      throw SocketError(what: "recv: errno \(errno)")
    }
    return Array(buffer[..<count])
  }

  func receiveAll() throws -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let more = try receive()
      if more.isEmpty { return bytes }
      bytes += more
    }
  }
}

enum RawClient {
  static func head(
    _ method: String, _ path: String, length: Int, headers: [(String, String)]
  ) -> [UInt8] {
    var text = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    text += "Content-Type: application/json\r\nContent-Length: \(length)\r\n"
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    return Array((text + "\r\n").utf8)
  }

  /// One request on a connection of its own, off the cooperative threads.
  static func request(
    _ method: String, _ path: String, port: Int, body: [UInt8] = [],
    headers: [(String, String)] = []
  ) async throws -> RawResponse {
    try await onThread {
      let connection = try RawConnection(port: port)
      try connection.send(head(method, path, length: body.count, headers: headers) + body)
      return try parse(connection.receiveAll())
    }
  }

  /// Sends a request and closes the connection once `condition` holds of what has come.
  static func abandon(
    _ path: String, port: Int, body: [UInt8], when condition: @escaping @Sendable ([UInt8]) -> Bool
  ) async throws {
    try await onThread {
      let connection = try RawConnection(port: port)
      try connection.send(head("POST", path, length: body.count, headers: []) + body)
      var bytes: [UInt8] = []
      while !condition(bytes) {
        let more = try connection.receive()
        if more.isEmpty { break }
        bytes += more
      }
    }
  }

  static func onThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      Thread { continuation.resume(with: Result(catching: body)) }.start()
    }
  }

  static func parse(_ bytes: [UInt8]) throws -> RawResponse {
    guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
      throw SocketError(what: "no HTTP head in \(bytes.count) bytes")
    }
    let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
      .components(separatedBy: "\r\n")
    guard let status = lines[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
      throw SocketError(what: "no status in '\(lines[0])'")
    }
    if status == 100 { return try parse(Array(bytes[end.upperBound...])) }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 {
        headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
      }
    }
    let rest = bytes[end.upperBound...]
    let chunked = headers["transfer-encoding"] == "chunked"
    return RawResponse(
      status: status, headers: headers, body: chunked ? dechunk(rest) : Array(rest))
  }

  private static func dechunk(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var rest = bytes
    var body: [UInt8] = []
    while let line = rest.firstRange(of: Array("\r\n".utf8)),
      let size = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16),
      size > 0, line.upperBound + size <= rest.endIndex
    {
      body += rest[line.upperBound..<line.upperBound + size]
      rest = rest[(line.upperBound + size)...].dropFirst(2)
    }
    return body
  }
}
