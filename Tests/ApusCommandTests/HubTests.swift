import Apus
import ApusCore
import Foundation
import Synchronization
import Testing

/// `hf:` models come from a server that answers as the Hugging Face hub does.
@Suite(.enabled(if: Program.exists, Program.missing))
struct HubTests {
  private let folder: TemporaryFolder
  private let model: [UInt8]
  private static let commit = String(repeating: "a1", count: 20)

  init() throws {
    folder = try TemporaryFolder()
    model = try Checkout.bytes(Checkout.reader)
  }

  private var checksum: String {
    var digest = HubDigest()
    digest.update(model)
    return digest.hexadecimal()
  }

  /// A hub with one repository that holds the model; `cuts` connections are closed half way, and the rest comes after a
  /// pause, in seconds.
  private func hub(
    checksum: String? = nil, cuts: Int = 0, pause: TimeInterval = 0
  ) throws -> HubServer {
    let (model, etag) = (model, checksum ?? self.checksum)
    let left = Mutex(cuts)
    return try HubServer { request in
      switch request.path {
      case "/api/models/org/repo":
        let siblings = ["README.md", "model-Q8_0.gguf"].map { "{\"rfilename\":\"\($0)\"}" }
        let text = "{\"sha\":\"\(Self.commit)\",\"siblings\":[\(siblings.joined(separator: ","))]}"
        return HubServer.Response(body: Array(text.utf8))
      case "/org/repo/resolve/\(Self.commit)/model-Q8_0.gguf":
        return HubServer.Response(
          status: 302,
          headers: [
            "Location": "/storage/model", "X-Linked-Etag": "\"\(etag)\"",
            "X-Linked-Size": "\(model.count)",
          ])
      case "/storage/model":
        let range = request.headers["range"]?.dropFirst("bytes=".count).dropLast()
        let start = range.flatMap { Int($0) } ?? 0
        if start > 0 { Thread.sleep(forTimeInterval: pause) }
        var response = HubServer.Response(body: Array(model[start...]))
        if range != nil {
          response.status = 206
          response.headers["Content-Range"] = "bytes \(start)-\(model.count - 1)/\(model.count)"
        }
        let isCut = left.withLock { left in
          defer { left = max(0, left - 1) }
          return left > 0
        }
        if isCut { response.cut = response.body.count / 2 }
        return response
      case "/api/models/org/private": return HubServer.Response(status: 401)
      case "/api/models/org/gated": return HubServer.Response(status: 403)
      default: return HubServer.Response(status: 404)
      }
    }
  }

  private func inspect(
    _ model: String, _ endpoint: String, _ environment: [String: String] = [:]
  ) async throws -> Program.Result {
    try await Program.run(
      "inspect", model,
      environment: ["HF_ENDPOINT": endpoint, "HF_HOME": folder.path, "HF_TOKEN": "secret"]
        .merging(environment) { $1 })
  }

  private var repository: String { folder.path + "/hub/models--org--repo" }
  private var link: String { "\(repository)/snapshots/\(Self.commit)/model-Q8_0.gguf" }

  @Test func downloadsOnceIntoTheUsualLayout() async throws {
    let hub = try hub()
    let first = try await inspect("hf:org/repo", hub.address)
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.errors.isEmpty)
    #expect(first.output.contains("architecture: llama"))
    let target = try FileManager.default.destinationOfSymbolicLink(atPath: link)
    #expect(target == "../../blobs/\(checksum)")
    #expect(Array(try Data(contentsOf: URL(filePath: link))) == model)
    #expect(try String(contentsOfFile: repository + "/refs/main", encoding: .utf8) == Self.commit)
    #expect(hub.requests.allSatisfy { $0.headers["authorization"] == "Bearer secret" })

    let count = hub.requests.count
    #expect(try await inspect("hf:org/repo:model-Q8_0.gguf", hub.address).status == 0)
    #expect(hub.requests.count == count)
    let offline = ["HF_HUB_OFFLINE": "1"]
    #expect(try await inspect("hf:org/repo", "http://127.0.0.1:1", offline).status == 0)
    #expect(try await inspect("hf:org/repo", "http://127.0.0.1:1").status == 0)
  }

  @Test func takesUpACutDownload() async throws {
    let hub = try hub(cuts: 2)
    let result = try await inspect("hf:org/repo", hub.address)
    #expect(result.status == 0, "\(result.errors)")
    let ranges = hub.requests.filter { $0.path == "/storage/model" }.map { $0.headers["range"] }
    #expect(ranges.count == 3)
    #expect(ranges[0] == nil)
    #expect(ranges[1] == "bytes=\(model.count / 2)-")
    #expect(Array(try Data(contentsOf: URL(filePath: link))) == model)
  }

  /// The second part is late enough for the bar to show that half is there.
  @Test(.enabled(if: Program.hasTerminal, Program.noTerminal))
  func aTerminalShowsHowFarADownloadIs() async throws {
    let hub = try hub(cuts: 1, pause: 3)
    let result = try await Program.runOnTerminal(
      "inspect", "hf:org/repo",
      environment: ["HF_ENDPOINT": hub.address, "HF_HOME": folder.path])
    #expect(result.status == 0, "\(result.output)")
    let half = String(repeating: "█", count: 15) + String(repeating: "·", count: 15)
    #expect(
      result.output.contains("\r\u{1B}[Kdownloading hf:org/repo \(half) 50 % model-Q8_0.gguf, "))
    // The line has gone when the result comes.
    #expect(result.output.contains("\u{1B}[?7h\r\u{1B}[K"))
  }

  @Test func continuesWhatAnEarlierRunLeft() async throws {
    let hub = try hub()
    let blobs = repository + "/blobs"
    try FileManager.default.createDirectory(atPath: blobs, withIntermediateDirectories: true)
    try Data(model.prefix(100_000)).write(to: URL(filePath: "\(blobs)/\(checksum).incomplete"))
    let result = try await inspect("hf:org/repo", hub.address)
    #expect(result.status == 0, "\(result.errors)")
    let request = hub.requests.last { $0.path == "/storage/model" }
    #expect(request?.headers["range"] == "bytes=100000-")
    #expect(try FileManager.default.contentsOfDirectory(atPath: blobs) == [checksum])
  }

  @Test func discardsAFileWithTheWrongChecksum() async throws {
    let wrong = String(repeating: "0", count: 64)
    let hub = try hub(checksum: wrong)
    let result = try await inspect("hf:org/repo", hub.address)
    #expect(result.status == 1)
    #expect(result.error?.contains("SHA-256 \(checksum), expected \(wrong)") == true)
    #expect(!FileManager.default.fileExists(atPath: link))
    #expect(!FileManager.default.fileExists(atPath: "\(repository)/blobs/\(wrong)"))
  }

  @Test func refusalsSayWhatToDo() async throws {
    let hub = try hub()
    for (name, message) in [
      ("hf:org/none", "not found"), ("hf:org/private", "HF_TOKEN"), ("hf:org/gated", "access"),
      ("hf:org/repo:other.gguf", "model-Q8_0.gguf"),
    ] {
      let result = try await inspect(name, hub.address)
      #expect(result.status == 1)
      #expect(result.error?.contains(message) == true, "\(result.errors)")
    }
    let offline = try await inspect("hf:org/repo", hub.address, ["HF_HUB_OFFLINE": "1"])
    #expect(offline.error?.contains("HF_HUB_OFFLINE") == true)
    let unreachable = try await inspect("hf:org/repo", "http://127.0.0.1:1")
    #expect(unreachable.error?.contains("cannot reach http://127.0.0.1:1") == true)
  }
}
