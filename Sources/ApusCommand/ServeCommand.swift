import Apus
import ApusModels
import ApusServer
import ApusText
import ArgumentParser
import Synchronization

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Serves a model over HTTP, as OpenAI's clients expect it.",
    discussion: """
      The server listens at once and answers 503 until the model is loaded. Ctrl-C or SIGTERM ends it when the running \
      requests are done, a second one at once. SIGHUP reads the file with the keys again.

      EXAMPLES
        apus serve
        apus serve -m model.gguf -c 32768 --host 0.0.0.0 --api-key-file keys.txt
      """)

  @Option(help: ArgumentHelp("The address to listen on.", valueName: "host"))
  var host = ServerConfiguration().host

  @Option(help: ArgumentHelp("The port; 0 lets the system choose.", valueName: "port"))
  var port = ServerConfiguration().port

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
    help: ArgumentHelp(
      "How the model writes tool calls: \(ToolCallFormats.catalog.names.joined(separator: ", ")); default: as its template says.",
      valueName: "name"))
  var toolCallParser: String?

  @Option(
    help: ArgumentHelp(
      "What becomes of reasoning: none (it stays in the content), deepseek (it is told apart), auto (where the template has tags).",
      valueName: "format"))
  var reasoningFormat = ServerConfiguration().reasoningFormat

  @Option(
    help: ArgumentHelp(
      "Requests that may wait before more are refused; default: no limit.", valueName: "n"))
  var maxNumWaiting: Int?

  @Option(
    help: ArgumentHelp(
      "Seconds that running requests have to end after a signal.", valueName: "seconds"))
  var shutdownTimeout = ServerConfiguration().shutdownDeadline.wholeSeconds

  @OptionGroup(title: "Access") var access: AccessOptions
  @OptionGroup(title: "Log") var log: LogOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: EngineOptions
  @OptionGroup var global: GlobalOptions

  mutating func validate() throws {
    guard (0...65535).contains(port) else {
      throw ValidationError("--port is \(port); it is between 0 and 65535")
    }
    if let toolCallParser {
      do { _ = try ToolCallFormats.catalog.find(toolCallParser) } catch {
        throw ValidationError("--tool-call-parser: \(error)")
      }
    }
    try EngineOptions.check("--max-num-waiting", maxNumWaiting ?? 0, atLeast: 0)
    try EngineOptions.check("--shutdown-timeout", shutdownTimeout, atLeast: 0)
  }

  func run() async throws {
    var configuration = ServerConfiguration()
    configuration.host = host
    configuration.port = port
    try access.apply(to: &configuration)
    log.apply(to: &configuration)
    configuration.shutdownDeadline = .seconds(shutdownTimeout)
    configuration.modelAlias = alias
    configuration.metrics = metrics
    configuration.toolCallParser = toolCallParser
    configuration.reasoningFormat = reasoningFormat
    configuration.pooling = pooling
    var engine = try engine.configuration
    engine.maxWaiting = maxNumWaiting
    // Without a prefix cache, requests use the pages again that those before them have left.
    engine.reservesMemory = engine.prefixCache
    let listening = Listening()
    let server = Server(
      configuration: configuration,
      load: { [model, engine, quiet = global.quiet] in try model.loadAny(engine, quiet: quiet) },
      onListening: { [model, configuration, quiet = global.quiet] port in
        listening.state.withLock { $0 = true }
        if !quiet {
          Output.note("listening on \(configuration.url(port: port)), loading \(model.model)")
        }
      })
    do {
      try await server.runUntilSignal()
    } catch  where !listening.state.withLock({ $0 }) {
      throw CommandError.cannotListen(
        address: configuration.address(port: port), reason: "\(error)")
    }
  }

  /// Whether the address could be bound, which tells errors before from errors after.
  private final class Listening: Sendable {
    let state = Mutex(false)
  }

  private static func pooling(_ name: String) throws -> Pooling {
    guard let pooling = Pooling(rawValue: name) else {
      let known = Pooling.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("--pooling is '\(name)'; give one of \(known)")
    }
    return pooling
  }
}

extension ReasoningFormat: ExpressibleByArgument {}
