import ApusCore
import ApusServer
import ArgumentParser

/// Who may use the server, and how much of it.
struct AccessOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A key that requests must carry; may be repeated. Others see a key on the command line: prefer the next.",
      valueName: "key"))
  var apiKey: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file with a key a line, KEY [name=NAME] [max_tokens=N]; read again when it changes.",
      valueName: "file"))
  var apiKeyFile: String?

  @Option(
    name: [.long, .customLong("ssl-certfile")],
    help: ArgumentHelp(
      "The certificate for HTTPS, with its chain, in PEM; needs a program built with --traits TLS.",
      valueName: "file"))
  var sslCertFile: String?

  @Option(
    name: [.long, .customLong("ssl-keyfile")],
    help: ArgumentHelp("The private key of the certificate, in PEM.", valueName: "file"))
  var sslKeyFile: String?

  @Option(
    help: ArgumentHelp(
      "A web origin that may call from a browser, or * for all; may be repeated.",
      valueName: "origin"))
  var corsOrigin: [String] = []

  @Option(
    help: ArgumentHelp(
      "Tokens that one answer may have; default: what the context has room for.", valueName: "n"))
  var maxOutputTokens: Int?

  @Option(
    help: ArgumentHelp("The largest body of a request.", valueName: "size"),
    transform: EngineOptions.byteCount)
  var maxBodySize = ByteCount(ServerConfiguration().maxBodySize)

  @Option(
    help: ArgumentHelp("The largest header of a request.", valueName: "size"),
    transform: EngineOptions.byteCount)
  var maxHeaderSize = ByteCount(ConnectionLimits().headerSize)

  @Option(
    help: ArgumentHelp("Open connections; further ones wait.", valueName: "n"))
  var maxConnections = ConnectionLimits().connections

  @Option(
    help: ArgumentHelp(
      "Seconds until a new connection has sent its first request's header fields.",
      valueName: "seconds"))
  var headerTimeout = ConnectionLimits().headerTimeout.wholeSeconds

  @Option(
    help: ArgumentHelp(
      "Seconds for a request's body, beside one for each \(ConnectionLimits().bodyRate) bytes of it.",
      valueName: "seconds"))
  var bodyTimeout = ConnectionLimits().bodyTimeout.wholeSeconds

  @Option(
    help: ArgumentHelp(
      "Seconds that a connection may wait for its next request.", valueName: "seconds"))
  var idleTimeout = ConnectionLimits().idleTimeout.wholeSeconds

  @Option(
    help: ArgumentHelp(
      "Seconds after which a client that takes nothing of its answer is given up.",
      valueName: "seconds"))
  var writeTimeout = ConnectionLimits().writeTimeout.wholeSeconds

  mutating func validate() throws {
    guard !apiKey.contains("") else { throw ValidationError("--api-key is empty") }
    guard (sslCertFile == nil) == (sslKeyFile == nil) else {
      throw ValidationError("--ssl-cert-file and --ssl-key-file need each other")
    }
    if sslCertFile != nil, !TLSIdentity.isAvailable {
      throw ValidationError("--ssl-cert-file: \(TLSError.notBuilt)")
    }
    if let wrong = corsOrigin.first(where: { !ServerConfiguration.isOrigin($0) }) {
      throw ValidationError(
        "--cors-origin is '\(wrong)'; give * or an origin such as https://chat.example.org")
    }
    for (flag, value) in [
      ("--max-output-tokens", maxOutputTokens ?? 1), ("--max-body-size", maxBodySize.bytes),
      ("--max-connections", maxConnections), ("--header-timeout", headerTimeout),
      ("--body-timeout", bodyTimeout), ("--idle-timeout", idleTimeout),
      ("--write-timeout", writeTimeout),
    ] {
      try EngineOptions.check(flag, value, atLeast: 1)
    }
    try EngineOptions.check("--max-header-size", maxHeaderSize.bytes, atLeast: 1024)
  }

  /// Puts the options in; throws `APIKeyFileError` and `TLSError`.
  func apply(to configuration: inout ServerConfiguration) throws {
    configuration.apiKeys = apiKey
    configuration.apiKeyFile = try apiKeyFile.map { try APIKeyFile(path: $0) }
    if let sslCertFile, let sslKeyFile {
      configuration.tls = try TLSIdentity(certificateFile: sslCertFile, keyFile: sslKeyFile)
    }
    configuration.corsOrigins = corsOrigin
    configuration.maxOutputTokens = maxOutputTokens
    configuration.maxBodySize = maxBodySize.bytes
    configuration.connections.headerSize = maxHeaderSize.bytes
    configuration.connections.connections = maxConnections
    configuration.connections.headerTimeout = .seconds(headerTimeout)
    configuration.connections.bodyTimeout = .seconds(bodyTimeout)
    configuration.connections.idleTimeout = .seconds(idleTimeout)
    configuration.connections.writeTimeout = .seconds(writeTimeout)
  }
}

extension Duration {
  var wholeSeconds: Int { Int(components.seconds) }
}
