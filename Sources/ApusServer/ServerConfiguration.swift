import ApusModels
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
  /// How the hidden states of a text become one vector; nil means as the model's files say.
  public var pooling: Pooling?
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

  /// The defaults.
  public init() {}
}

/// The version of this program.
public let apusVersion = "0.1.0"
