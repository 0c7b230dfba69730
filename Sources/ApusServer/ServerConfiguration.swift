import Apus
import ApusModels
import Logging
import Tracing

/// What a server is started with.
public struct ServerConfiguration: Sendable {
  /// The address to listen on.
  public var host = "127.0.0.1"
  /// 0 lets the system choose.
  public var port = 8080
  /// A request must carry one of these, or one of the file's; with none, everyone may ask.
  public var apiKeys: [String] = []
  /// Keys with limits; it is read again when it changes.
  public var apiKeyFile: APIKeyFile?
  /// The time between two looks at that file.
  public var apiKeyInterval = Duration.seconds(1)
  /// nil means HTTP without encryption.
  public var tls: TLSIdentity?
  /// The model's name in answers; nil means its file name.
  public var modelAlias: String?
  /// How the hidden states of a text become one vector; nil means as the model's files say.
  public var pooling: Pooling?
  /// Whether `/metrics` answers.
  public var metrics = true
  /// Bytes of one request's body.
  public var maxBodySize = 32 << 20
  /// Tokens of one answer; nil means until the context is full.
  public var maxOutputTokens: Int?
  /// What one connection may take.
  public var connections = ConnectionLimits()
  /// How long running requests may go on after the first signal.
  public var shutdownDeadline = Duration.seconds(30)
  /// Time between comments on a stream while a prompt is read.
  public var pingInterval = Duration.seconds(15)
  /// The web origins that may call from a browser, `*` for all.
  public var corsOrigins: [String] = []
  /// What is logged.
  public var logLevel = Logger.Level.info
  /// How it is written.
  public var logFormat = LogFormat.text
  /// Whether the log shows what requests say.
  public var logPrompts = false
  /// Takes the lines of the log; nil means standard error.
  public var logWriter: (@Sendable (String) -> Void)?
  /// Takes the spans of requests; nil means the tracer that the program was bootstrapped with.
  public var tracer: (any Tracer)?

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
  /// Where the server is reached once it listens on a port.
  package func url(port: Int) -> String {
    (tls == nil ? "http" : "https") + "://" + address(port: port)
  }

  /// The same without the scheme.
  package func address(port: Int) -> String {
    (host.contains(":") ? "[\(host)]" : host) + ":\(port)"
  }

  var messages: MessageSettings {
    MessageSettings(toolCallParser: toolCallParser, reasoningFormat: reasoningFormat)
  }
}

/// The version of this program.
public let apusVersion = "0.1.0"
