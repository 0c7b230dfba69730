import ApusCore
import ApusEngine
import ApusServer
import Foundation
import Testing

/// What clients do wrong with a connection, and what becomes of it.
@Suite(.serialized) struct ConnectionTests {
  private static func server(
    engine: EngineConfiguration = EngineConfiguration(), _ change: (inout ConnectionLimits) -> Void
  ) async throws -> TestServer {
    var configuration = ServerConfiguration()
    change(&configuration.connections)
    return try await TestServer.ready(configuration: configuration, engine: engine)
  }

  private static let post = "POST /v1/completions HTTP/1.1\r\nHost: x\r\n"

  @Test func headersAreLimited() async throws {
    let server = try await Self.server { $0.headerSize = 2000 }
    let long = String(repeating: "a", count: 3000)
    let many = (0..<200).map { "h\($0): 1\r\n" }.joined()
    for head in [
      "GET /health HTTP/1.1\r\nlong: \(long)\r\n\r\n", "GET /\(long) HTTP/1.1\r\n\r\n",
      "GET /health HTTP/1.1\r\n\(many)\r\n", "GET /health HTTP/1.1\r\n\(long)",
    ] {
      let response = try await RawClient.send(head, port: server.port)
      #expect(response.status == 431, "\(head.prefix(40))")
      #expect(response.headers["connection"] == "close")
      #expect(try response.json()["error"]?["code"] == 431)
    }
    #expect(try await server.get("/health").status == 200)
    try await server.stop()
  }

  @Test(arguments: [
    "nonsense\r\n\r\n", "GET\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n",
    "GET / HTTP/1.1\r\nno colon\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /v1/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
  ])
  func whatIsNoHTTPIsAnsweredWithAnError(text: String) async throws {
    let server = try await TestServer.shared.value
    let response = try await RawClient.send(text, port: server.port)
    #expect(response.status == 400, "\(response.text)")
    #expect(try response.json()["error"]?["type"] == "invalid_request_error")
  }

  @Test func aBodyThatDoesNotComeIsAnsweredWithATimeout() async throws {
    let server = try await Self.server { $0.bodyTimeout = .milliseconds(50) }
    for text in [
      Self.post + "Content-Length: 100\r\n\r\n{",
      Self.post + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
      // Also where it is thrown away.
      "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
    ] {
      let response = try await RawClient.send(text, port: server.port)
      #expect(response.status == 408, "\(text)")
      #expect(try response.json()["error"]?["code"] == 408)
    }
    try await server.stop()
  }

  @Test func aConnectionWithoutARequestIsClosed() async throws {
    let server = try await Self.server {
      $0.headerTimeout = .milliseconds(50)
      $0.idleTimeout = .milliseconds(50)
    }
    for text in ["", "GET /hea", "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"] {
      let bytes = try await RawClient.onThread {
        let connection = try RawConnection(port: server.port)
        try connection.send(Array(text.utf8))
        return try connection.receiveAll()
      }
      #expect(bytes.isEmpty == !text.hasSuffix("\r\n\r\n"), "\(text)")
    }
    try await server.stop()
  }

  /// The answer is larger than what the system holds for a client that does not read.
  @Test func aClientThatTakesNothingEndsItsRequest() async throws {
    let server = try await Self.server { $0.writeTimeout = .milliseconds(50) }
    let body = completion(
      "a",
      [
        ("stream", true), ("ignore_eos", true), ("n", 8), ("max_tokens", 2000), ("logprobs", 20),
      ])
    let connection = try RawConnection(port: server.port)
    try connection.send(
      RawClient.head("POST", "/v1/completions", length: body.utf8.count, headers: []) + body.utf8)
    try await server.waitUntilRunning()
    #expect(try await server.becomesIdle())
    // It was given up before its end.
    let metrics = try await server.get("/metrics").text
    let finished = try #require(
      metrics.split(separator: "\n").first { $0.contains("finished_reason=\"abort\"") })
    #expect(!finished.hasSuffix(" 0"), "\(finished)")
    withExtendedLifetime(connection) {}
    try await server.stop()
  }

  @Test func connectionsAreLimited() async throws {
    let server = try await Self.server { $0.connections = 2 }
    let held = try (0..<2).map { _ in try RawConnection(port: server.port) }
    let get = Array("GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8)
    for connection in held {
      try connection.send(Array("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
      #expect(try await !RawClient.onThread { try connection.receive() }.isEmpty)
    }
    // A third waits in the system's queue until one of the two goes.
    let third = try RawConnection(port: server.port, timeout: 1)
    try third.send(get)
    await #expect(throws: SocketError.self) {
      try await RawClient.onThread { try third.receive() }
    }
    try held[0].send(get)
    #expect(try await !RawClient.onThread { try held[0].receiveAll() }.isEmpty)
    let answer = try await RawClient.onThread { () -> RawResponse in
      // Closing is ours to do, too.
      held[0].shutDown()
      while true {
        do { return try RawClient.parse(third.receiveAll()) } catch let error as SocketError {
          guard error.what.hasPrefix("recv") else { throw error }
        }
      }
    }
    #expect(answer.status == 200)
    withExtendedLifetime(held) {}
    try await server.stop()
  }
}
