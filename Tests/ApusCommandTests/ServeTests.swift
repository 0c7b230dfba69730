import ApusCore
import Foundation
import Testing

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

@Suite(.enabled(if: Program.exists, Program.missing))
struct ServeTests {
  struct Listening {
    let running: Program.Running
    let address: String

    init(_ arguments: String..., environment: [String: String] = [:]) async throws {
      running = try Program.start(["serve", "--port", "0"] + arguments, environment: environment)
      for _ in 0..<6000 {
        let words = running.errors.split { $0 == " " || $0 == "," || $0.isNewline }
        if running.errors.contains("\n"), let url = words.first(where: { $0.hasPrefix("http") }) {
          address = String(url)
          return
        }
        guard running.process.isRunning else { break }
        try await Task.sleep(for: .milliseconds(20))
      }
      throw CocoaError(.fileReadUnknown, userInfo: [NSDebugDescriptionErrorKey: running.errors])
    }

    func get(_ path: String, body: String? = nil, key: String? = nil) async throws -> (Int, String)
    {
      var request = URLRequest(url: URL(string: address + path)!)
      if let body {
        request.httpMethod = "POST"
        request.httpBody = Data(body.utf8)
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
      }
      if let key { request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization") }
      let (data, response) = try await URLSession.shared.data(for: request)
      return ((response as! HTTPURLResponse).statusCode, String(decoding: data, as: UTF8.self))
    }

    func waitUntilReady() async throws {
      for _ in 0..<6000 {
        if try await get("/health").0 == 200 { return }
        try await Task.sleep(for: .milliseconds(20))
      }
      Issue.record("the server did not become ready: \(running.errors)")
    }
  }

  @Test func answersAndEndsAtASignal() async throws {
    let server = try await Listening("--alias", "small", "-c", "512", "--max-num-seqs", "2")
    try await server.waitUntilReady()
    let body = #"""
      {"model":"small","messages":[{"role":"user","content":"Hello"}],"max_tokens":4,"temperature":0}
      """#
    let (status, text) = try await server.get("/v1/chat/completions", body: body)
    #expect(status == 200, "\(text)")
    let json = try JSONValue(parsing: text)
    #expect(json["model"] == "small")
    #expect(json["usage"]?["completion_tokens"] == 4)
    server.running.process.terminate()
    #expect(try await server.running.result().status == 0)
  }

  @Test func keysOfAFileAreAskedFor() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(Array("one\ntwo\n".utf8), to: "keys")
    let server = try await Listening(
      "--api-key-file", file, "-c", "256", environment: ["APUS_METRICS": "false"])
    try await server.waitUntilReady()
    #expect(try await server.get("/v1/models").0 == 401)
    #expect(try await server.get("/v1/models", key: "three").0 == 401)
    #expect(try await server.get("/v1/models", key: "two").0 == 200)
    #expect(try await server.get("/metrics", key: "one").0 != 200)
    server.running.process.terminate()
    _ = try await server.running.result()
    let empty = try folder.write(Array("\n".utf8), to: "empty")
    let result = try await Program.run("serve", "--api-key-file", empty)
    #expect(result.status == 1)
    #expect(result.error?.contains(empty) == true)
  }

  @Test func aHangupReadsTheKeysAgain() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(Array("one name=a max_tokens=2\n".utf8), to: "keys")
    let server = try await Listening("--api-key-file", file, "-c", "256")
    try await server.waitUntilReady()
    #expect(try await server.get("/v1/models", key: "two").0 == 401)
    try folder.write(Array("two\n".utf8), to: "keys")
    kill(server.running.process.processIdentifier, SIGHUP)
    while try await server.get("/v1/models", key: "two").0 != 200 {
      try await Task.sleep(for: .milliseconds(20))
    }
    #expect(try await server.get("/v1/models", key: "one").0 == 401)
    server.running.process.terminate()
    #expect(try await server.running.result().status == 0)
  }

  @Test func aSecondSignalEndsAtOnce() async throws {
    let server = try await Listening(
      "-c", "12000", "--isa", "scalar", "-t", "1", "--shutdown-timeout", "600")
    try await server.waitUntilReady()
    let body = #"{"prompt": "a", "max_tokens": 11000, "ignore_eos": true}"#
    let answer = Task { try await server.get("/v1/completions", body: body).0 }
    while try await server.get("/slots").1 == "[]" { try await Task.sleep(for: .milliseconds(5)) }
    server.running.process.terminate()
    while try await server.get("/readyz").0 == 200 { try await Task.sleep(for: .milliseconds(5)) }
    #expect(try await server.get("/livez").0 == 200)
    server.running.process.terminate()
    #expect(try await server.running.result().status == 0)
    // Nobody waited for the answer.
    #expect((try? await answer.value) != 200)
  }

  @Test func logLinesCarryTheRequestsID() async throws {
    let server = try await Listening("-c", "256", "--log-format", "json")
    try await server.waitUntilReady()
    let (status, _) = try await server.get("/tokenize", body: #"{"content": "Xylophon7"}"#)
    #expect(status == 200)
    server.running.process.terminate()
    _ = try await server.running.result()
    let lines = try server.running.errors.split(separator: "\n").dropFirst()
      .map { try JSONValue(parsing: String($0)) }
    let line = try #require(lines.first { $0["path"] == "/tokenize" })
    #expect(line["status"] == 200)
    #expect((line["id"]?.stringValue?.count ?? 0) > 0)
    #expect(!server.running.errors.contains("Xylophon7"))
  }

  @Test func aTakenPortIsAnError() async throws {
    let server = try await Listening("-c", "256")
    let port = String(server.address.split(separator: ":").last ?? "")
    let result = try await Program.run("serve", "--port", port)
    #expect(result.status == 1)
    #expect(result.error?.contains(port) == true, "\(result.errors)")
    server.running.process.terminate()
    _ = try await server.running.result()
  }
}
