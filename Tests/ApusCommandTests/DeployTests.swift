import ApusCore
import Foundation
import Testing

/// The files to run the server with say what the program takes and what is there.
@Suite(.enabled(if: Program.exists, Program.missing))
struct DeployTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../..").standardized

  /// An address for documentation (RFC 5737), which no machine has.
  private static let nowhere = "192.0.2.1"

  private static func path(_ name: String) -> String { root.appending(path: name).path }

  private static func lines(_ name: String) throws -> [String] {
    try String(contentsOf: root.appending(path: name), encoding: .utf8)
      .replacing("\\\n", with: " ").split(separator: "\n").map(String.init)
  }

  /// Runs a command line that is right in everything but the address it listens on.
  private static func run(
    _ arguments: [String], environment: [String: String] = [:]
  ) async throws -> Program.Result {
    try await Program.start(arguments + ["--host", nowhere], environment: environment).result()
  }

  private static func expectOnlyTheAddress(_ result: Program.Result) {
    #expect(result.status == 1)
    #expect(result.errors.contains("error: cannot listen on \(nowhere):"), "\(result.errors)")
  }

  /// The settings as they are, and with the lines that are comments.
  @Test(arguments: [false, true]) func settingsAreRead(whole: Bool) async throws {
    let folder = try TemporaryFolder()
    var text = try Self.lines("Deploy/apus.toml").joined(separator: "\n") + "\n"
    if whole {
      let active = text
      text = text.replacing(/# (?=[a-z-]+ = )/, with: "")
        .replacing("/etc/apus/keys", with: Self.path("Deploy/keys.example"))
      #expect(text != active)
    }
    let file = try folder.write(Array(text.utf8), to: "apus.toml")
    Self.expectOnlyTheAddress(try await Self.run(["serve", "--config", file]))
  }

  @Test func unitStartsTheServer() async throws {
    let lines = try Self.lines("Deploy/apus.service")
    let line = try #require(lines.first { $0.hasPrefix("ExecStart=") })
    let words = line.dropFirst("ExecStart=".count).split(separator: " ").map(String.init)
    #expect(words.first == "/usr/local/bin/apus")
    let arguments = words.dropFirst().map {
      $0 == "/etc/apus/apus.toml" ? Self.path("Deploy/apus.toml") : $0
    }
    #expect(arguments.first == "serve")
    Self.expectOnlyTheAddress(try await Self.run(arguments))
  }

  @Test func imageStartsTheServer() async throws {
    let lines = try Self.lines("Deploy/Dockerfile")
    func words(_ instruction: String) -> [String] {
      lines.filter { $0.hasPrefix(instruction + " ") }
        .flatMap { $0.split(separator: " ").dropFirst().map(String.init) }
    }
    func list(_ instruction: String) throws -> [String] {
      let value = try JSONValue(parsing: words(instruction).joined(separator: " "))
      return value.arrayValue?.compactMap(\.stringValue) ?? []
    }
    #expect(try list("ENTRYPOINT") == ["apus"])
    let variables = words("ENV").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
    let environment = Dictionary(
      uniqueKeysWithValues: variables.map { ($0[0], $0.count > 1 ? $0[1] : "") })
    let settings = environment.keys.filter { $0.hasPrefix("APUS_") }
    #expect(settings.count == 3)
    let help = try await Program.run("serve", "--help").output
    for name in settings {
      let flag = name.dropFirst("APUS_".count).lowercased().replacing("_", with: "-")
      #expect(help.contains("--\(flag) "), "\(name) sets no flag")
    }
    Self.expectOnlyTheAddress(try await Self.run(try list("CMD"), environment: environment))
  }

  /// What is copied into the image is in the repository, and no ignore file keeps it out.
  @Test func imageIsBuiltFromWhatIsThere() throws {
    let kept = Set(
      try Self.lines("Deploy/Dockerfile.dockerignore").filter { $0.hasPrefix("!") }
        .map { String($0.dropFirst()) })
    let sources = try Self.lines("Deploy/Dockerfile")
      .filter { $0.hasPrefix("COPY ") && !$0.contains("--from=") }
      .flatMap { $0.split(separator: " ").dropFirst().dropLast().map(String.init) }
    #expect(sources.contains("Package.swift") && sources.contains("Sources"))
    // A pattern may match nothing; what it is for is written by the build.
    for source in sources where !source.contains("[") {
      #expect(FileManager.default.fileExists(atPath: Self.path(source)), "\(source)")
      #expect(kept.contains(source), "\(source)")
    }
  }
}
