/// What one connection may take and how long it may take it.
public struct ConnectionLimits: Sendable {
  /// Bytes of the request line and all header fields.
  public var headerSize = 64 << 10
  /// Header fields of one request.
  public var headerCount = 100
  /// From the opening of a connection to the end of its first request's header fields.
  public var headerTimeout = Duration.seconds(20)
  /// From a request's header fields to the end of its body, beside a second for each `bodyRate` bytes of it.
  public var bodyTimeout = Duration.seconds(30)
  /// Bytes a second below which a body is too slow.
  public var bodyRate = 4096
  /// Between an answer and the next request's header fields.
  public var idleTimeout = Duration.seconds(75)
  /// How long a client may take nothing of what waits for it.
  public var writeTimeout = Duration.seconds(60)
  /// Open connections; further ones wait in the system's queue.
  public var connections = 4096

  /// The defaults.
  public init() {}
}
