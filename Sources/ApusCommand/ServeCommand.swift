import Apus
import ApusModels
import ApusServer
import ArgumentParser
import Logging
import Synchronization

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Serves a model over HTTP, as OpenAI's clients expect it.",
    discussion: """
      The server listens at once and answers 503 until the model is loaded. Ctrl-C or SIGTERM ends it when the running \
      requests are done, a second one at once.

      EXAMPLES
        apus serve
        apus serve -m model.gguf -c 32768 --host 0.0.0.0 --api-key-file keys.txt
      """)

  @Option(help: ArgumentHelp("The address to listen on.", valueName: "host"))
  var host = ServerConfiguration().host

  @Option(help: ArgumentHelp("The port; 0 lets the system choose.", valueName: "port"))
  var port = ServerConfiguration().port

  @Option(
    help: ArgumentHelp(
      "A key that requests must carry; may be repeated. Others see a key on the command line: prefer the next.",
      valueName: "key"))
  var apiKey: [String] = []

  @Option(help: ArgumentHelp("A file with one key a line.", valueName: "file"))
  var apiKeyFile: String?

  @Option(
    name: [.customShort("a"), .long, .customLong("served-model-name")],
    help: ArgumentHelp("The model's name in answers; default: its file name.", valueName: "name"))
  var alias: String?

  @Option(
    help: ArgumentHelp(
      "How embeddings are made of a text's hidden states: \(Pooling.allCases.map(\.rawValue).joined(separator: ", ")); default: as the model's files say, else mean for encoders and last for others.",
      valueName: "pooling"), transform: Self.pooling)
  var pooling: Pooling?

  @Flag(inversion: .prefixedNo, help: "Answer /metrics in Prometheus' format.")
  var metrics = ServerConfiguration().metrics

  @Option(
    help: ArgumentHelp("The web origin that may call from a browser, or *.", valueName: "origin"))
  var corsOrigin: String?

  @Option(
    help: ArgumentHelp(
      "Requests that may wait before more are refused; default: no limit.", valueName: "n"))
  var maxNumWaiting: Int?

  @Option(
    help: ArgumentHelp(
      "One of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "level"), transform: Self.level)
  var logLevel = ServerConfiguration().logLevel

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: EngineOptions
  @OptionGroup var global: GlobalOptions

  mutating func validate() throws {
    guard (0...65535).contains(port) else {
      throw ValidationError("--port is \(port); it is between 0 and 65535")
    }
    guard !apiKey.contains("") else { throw ValidationError("--api-key is empty") }
    try EngineOptions.check("--max-num-waiting", maxNumWaiting ?? 0, atLeast: 0)
  }

  func run() async throws {
    var configuration = ServerConfiguration()
    configuration.host = host
    configuration.port = port
    configuration.apiKeys = try apiKey + (apiKeyFile.map(Self.keys) ?? [])
    configuration.modelAlias = alias
    configuration.metrics = metrics
    configuration.pooling = pooling
    configuration.corsOrigin = corsOrigin
    configuration.logLevel = logLevel
    var engine = try engine.configuration
    engine.maxWaiting = maxNumWaiting
    let listening = Listening()
    let address = (host.contains(":") ? "[\(host)]" : host) + ":"
    let server = Server(
      configuration: configuration,
      load: { [model, engine, quiet = global.quiet] in try model.loadAny(engine, quiet: quiet) },
      onListening: { [model, quiet = global.quiet] port in
        listening.state.withLock { $0 = true }
        if !quiet { Output.note("listening on http://\(address)\(port), loading \(model.model)") }
      })
    do {
      try await server.runUntilSignal()
    } catch  where !listening.state.withLock({ $0 }) {
      throw CommandError.cannotListen(address: address + String(port), reason: "\(error)")
    }
  }

  /// Whether the address could be bound, which tells errors before from errors after.
  private final class Listening: Sendable {
    let state = Mutex(false)
  }

  /// An empty file is an error: it would leave the server open to everyone.
  private static func keys(_ path: String) throws -> [String] {
    let lines = try TextInput.read(path).split(whereSeparator: \.isNewline)
    let keys = lines.map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
    guard !keys.isEmpty else {
      throw CommandError.malformed(path: path, line: 1, reason: "it holds no key; put one a line")
    }
    return keys
  }

  private static func pooling(_ name: String) throws -> Pooling {
    guard let pooling = Pooling(rawValue: name) else {
      let known = Pooling.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("--pooling is '\(name)'; give one of \(known)")
    }
    return pooling
  }

  private static func level(_ text: String) throws -> Logger.Level {
    guard let level = Logger.Level(rawValue: text.lowercased()) else {
      throw ValidationError("there is no such level")
    }
    return level
  }
}
