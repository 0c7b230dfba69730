import Foundation
import Synchronization
import Testing

/// The built `apus` binary, which stands beside the tests.
enum Program {
  static let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appending(path: "apus").path

  static let exists = FileManager.default.isExecutableFile(atPath: path)
  static let missing: Comment = "the apus binary is not built beside the tests"

  struct Result {
    let status: Int32
    let output: String
    let errors: String

    /// What a failed command says: exactly one line that starts with "error: ".
    var error: String? {
      let lines = errors.split(separator: "\n", omittingEmptySubsequences: false)
      guard lines.count == 2, lines[1].isEmpty, lines[0].hasPrefix("error: ") else { return nil }
      return String(lines[0].dropFirst("error: ".count))
    }
  }

  /// Runs the program to its end; its settings come from `environment` alone.
  static func run(
    _ arguments: String..., input: String = "", environment: [String: String] = [:]
  ) async throws -> Result {
    try await start(arguments, input: input, environment: environment).result()
  }

  static func start(
    _ arguments: [String], input: String = "", environment: [String: String] = [:]
  ) throws -> Running {
    try Running(arguments, input: input, environment: environment)
  }

  /// Runs the program on a terminal of its own; what it writes to the terminal is `output`, its lines end in CR LF.
  static func runOnTerminal(
    _ arguments: String..., input: String = "", environment: [String: String] = [:]
  ) async throws -> Result {
    let words = ([path] + arguments).map { "'" + $0.replacing("'", with: #"'\''"#) + "'" }
    return try await Running(
      ["-qec", words.joined(separator: " "), "/dev/null"], input: input,
      environment: ["TERM": "xterm", "SHELL": "/bin/sh"].merging(environment) { $1 },
      executable: terminal
    ).result()
  }

  private static let terminal = "/usr/bin/script"
  /// The option -e, which passes the status on, is that of util-linux.
  static let hasTerminal = exists && FileManager.default.isExecutableFile(atPath: terminal)
  static let noTerminal: Comment = "script of util-linux, which makes terminals, is not installed"

  final class Running: @unchecked Sendable {
    // Unchecked: `Process` is safe to use from several threads, and the rest is constant or locked.
    let process = Process()
    private let folder: TemporaryFolder
    private let started = ContinuousClock.now
    private let ended = Mutex<ContinuousClock.Instant?>(nil)

    init(
      _ arguments: [String], input: String, environment: [String: String],
      executable: String = Program.path
    ) throws {
      folder = try TemporaryFolder()
      process.executableURL = URL(filePath: executable)
      process.arguments = arguments
      process.environment = ProcessInfo.processInfo.environment
        .filter { !$0.key.hasPrefix("APUS_") && !$0.key.hasPrefix("HF_") }
        .merging(environment) { $1 }
      let source = try folder.write(Array(input.utf8), to: "input")
      process.standardInput = try FileHandle(forReadingFrom: URL(filePath: source))
      process.standardOutput = try folder.output("output")
      process.standardError = try folder.output("errors")
      process.terminationHandler = { [weak self] _ in self?.ended.withLock { $0 = .now } }
      try process.run()
    }

    /// How long the program ran, which tests that wait for a thread do not add to.
    var duration: Duration { (ended.withLock { $0 } ?? .now) - started }

    /// Sends a signal as soon as a condition holds, from a thread of its own: other tests may keep tasks waiting for long.
    func signal(_ number: Int32, when condition: @escaping @Sendable () -> Bool) {
      Thread.detachNewThread { [process] in
        while process.isRunning, !condition() { usleep(5000) }
        if process.isRunning { kill(process.processIdentifier, number) }
      }
    }

    var output: String { folder.text("output") }
    var errors: String { folder.text("errors") }

    func result() async throws -> Result {
      while process.isRunning { try await Task.sleep(for: .milliseconds(10)) }
      return Result(status: process.terminationStatus, output: output, errors: errors)
    }

    deinit { if process.isRunning { process.terminate() } }
  }
}

/// A folder that lives as long as the object.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }

  @discardableResult
  func write(_ bytes: [UInt8], to name: String) throws -> String {
    try Data(bytes).write(to: URL(filePath: file(name)))
    return file(name)
  }

  func text(_ name: String) -> String {
    (try? String(contentsOfFile: file(name), encoding: .utf8)) ?? ""
  }

  func output(_ name: String) throws -> FileHandle {
    try write([], to: name)
    return try FileHandle(forWritingTo: URL(filePath: file(name)))
  }
}

/// Files of the checkout.
enum Checkout {
  static let root = (0..<3).reduce(URL(filePath: #filePath)) { url, _ in
    url.deletingLastPathComponent()
  }.path

  static func bytes(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: root + "/" + path)))
  }

  static let reader = "Sources/Apus/Resources/reader.gguf"
}
