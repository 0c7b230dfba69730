import Apus
import Logging

/// What a server is started with.
public struct ServerConfiguration: Sendable {
  /// The address to listen on.
  public var host = "127.0.0.1"
  /// 0 lets the system choose.
  public var port = 8080
  /// A request must carry one of these; with none, everyone may ask.
  public var apiKeys: [String] = []
  /// The model's name in answers; nil means its file name.
  public var modelAlias: String?
  /// Whether `/metrics` answers.
  public var metrics = true
  /// Bytes of one request's body.
  public var maxBodySize = 32 << 20
  /// How long running requests may go on after the first signal.
  public var shutdownDeadline = Duration.seconds(30)
  /// Time between comments on a stream while a prompt is read.
  public var pingInterval = Duration.seconds(15)
  /// The web origin that may call from a browser, or `*`; nil means none.
  public var corsOrigin: String?
  /// What is written to standard error.
  public var logLevel = Logger.Level.info

  /// The format of the model's tool calls, a name in `ToolCallFormats`; nil means the one its template speaks of.
  public var toolCallParser: String?
  /// What becomes of the model's reasoning.
  public var reasoningFormat = ReasoningFormat.auto
  /// How requests are answered; tests put a script in its place.
  package var generate: @Sendable (LanguageModel, TextRequest) -> TextStream = { $0.generate($1) }

  /// The defaults.
  public init() {}
}

extension ServerConfiguration {
  var messages: MessageSettings {
    MessageSettings(toolCallParser: toolCallParser, reasoningFormat: reasoningFormat)
  }
}

/// The version of this program.
public let apusVersion = "0.1.0"
