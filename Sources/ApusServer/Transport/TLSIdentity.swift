import HummingbirdCore

#if TLS
  import HummingbirdTLS
  import NIOSSL
#endif

/// The certificate and the key a server shows to its clients.
public struct TLSIdentity: Sendable {
  #if TLS
    /// Whether this program can do TLS.
    public static let isAvailable = true

    private let configuration: TLSConfiguration

    /// Reads the files, both in PEM; the certificate's may hold its chain. Throws `TLSError`.
    public init(certificateFile: String, keyFile: String) throws {
      let chain = try Self.read(certificateFile) { try NIOSSLCertificate.fromPEMFile($0) }
      let key = try Self.read(keyFile) { try NIOSSLPrivateKey(file: $0, format: .pem) }
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
      configuration.minimumTLSVersion = .tlsv12
      configuration.applicationProtocols = ["http/1.1"]
      do {
        // Whether the two belong together.
        _ = try NIOSSLContext(configuration: configuration)
      } catch {
        throw TLSError.unusable(
          path: keyFile, reason: "it is not the key of the certificate in \(certificateFile)")
      }
      self.configuration = configuration
    }

    private static func read<Value>(_ path: String, _ body: (String) throws -> Value) throws
      -> Value
    {
      do { return try body(path) } catch {
        throw TLSError.unusable(path: path, reason: "it cannot be read as PEM (\(error))")
      }
    }

    func wrap(_ builder: HTTPServerBuilder) throws -> HTTPServerBuilder {
      try .tls(builder, tlsConfiguration: configuration)
    }
  #else
    /// Whether this program can do TLS.
    public static let isAvailable = false

    /// Throws: the program was built without TLS.
    public init(certificateFile: String, keyFile: String) throws { throw TLSError.notBuilt }

    func wrap(_ builder: HTTPServerBuilder) throws -> HTTPServerBuilder { throw TLSError.notBuilt }
  #endif
}

/// Why a server cannot do TLS.
public enum TLSError: Error, Equatable, CustomStringConvertible {
  case notBuilt
  case unusable(path: String, reason: String)

  public var description: String {
    switch self {
    case .notBuilt:
      "this program was built without TLS; build it with: swift build -c release --traits TLS"
    case .unusable(let path, let reason): "cannot use \(path): \(reason)"
    }
  }
}
