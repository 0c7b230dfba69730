import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// How far a download is.
public struct DownloadProgress: Sendable, Equatable {
  public let file: String
  /// Bytes on disk, those of an earlier run among them.
  public let done: Int
  public let total: Int?
}

/// Brings one file into the cache, continuing what an earlier run left.
struct HubDownload {
  let client: HubClient
  let source: HubClient.FileSource
  /// What to call the file in messages.
  let name: String
  /// `blobs/ETAG`; until it is complete its bytes stand in `blobs/ETAG.incomplete`.
  let blob: String

  private static let attempts = 4

  func run(progress: (DownloadProgress) -> Void) throws {
    let partial = blob + ".incomplete"
    let manager = FileManager.default
    if !manager.fileExists(atPath: partial) {
      guard manager.createFile(atPath: partial, contents: nil) else {
        throw HubError.cannotWrite(path: partial, reason: "the file cannot be made")
      }
    }
    let output = try PartialFile(path: partial) {
      progress(DownloadProgress(file: name, done: $0, total: source.size))
    }
    if let size = source.size, output.count > size { try output.truncate() }
    try transfer(to: output, progress: progress)
    try verify(output)
    try output.close()
    do {
      try manager.moveItem(atPath: partial, toPath: blob)
    } catch {
      throw HubError.cannotWrite(path: blob, reason: error.localizedDescription)
    }
  }

  /// Asks for the rest until it is there; a cut connection is taken up again where it broke.
  private func transfer(to output: PartialFile, progress: (DownloadProgress) -> Void) throws {
    var failures = 0
    while source.size.map({ output.count < $0 }) ?? true {
      let start = output.count
      do {
        try client.get(source.url, from: start) { response in
          try accept(response, output)
        } body: { bytes in
          try output.append(bytes)
          progress(DownloadProgress(file: name, done: output.count, total: source.size))
        }
        guard let size = source.size, output.count < size else { return }
        throw HubError.unreachable(endpoint: name, reason: "the connection was closed")
      } catch HubError.unreachable(_, let reason) {
        failures = output.count > start ? 0 : failures + 1
        guard failures < Self.attempts else {
          throw HubError.interrupted(file: name, done: output.count, reason: reason)
        }
        Thread.sleep(forTimeInterval: 0.2 * Double(1 << failures))
      }
    }
  }

  private func accept(_ response: HTTPURLResponse, _ output: PartialFile) throws {
    switch response.statusCode {
    case 206:
      let range = response.value(forHTTPHeaderField: "Content-Range") ?? ""
      guard range.hasPrefix("bytes \(output.count)-") else { fallthrough }
    case 416:
      try output.truncate()
      throw HubError.unreachable(endpoint: name, reason: "the server sent another range")
    case 200: try output.truncate()
    default: try client.check(response.statusCode, name: name, url: source.url)
    }
  }

  private func verify(_ output: PartialFile) throws {
    if let size = source.size, output.count != size {
      let found = output.count
      try output.truncate()
      throw HubError.wrongSize(file: name, expected: size, found: found)
    }
    guard let checksum = source.checksum else { return }
    let found = output.digest.hexadecimal()
    guard found == checksum else {
      try output.truncate()
      throw HubError.wrongChecksum(file: name, expected: checksum, found: found)
    }
  }
}

/// A file that grows, with the digest of its bytes.
private final class PartialFile {
  private let path: String
  private let handle: FileHandle
  private(set) var count = 0
  private(set) var digest = HubDigest()

  /// Reads what is there already; `progress` is called with its bytes read so far.
  init(path: String, progress: (Int) -> Void) throws {
    self.path = path
    guard let handle = FileHandle(forUpdatingAtPath: path) else {
      throw HubError.cannotWrite(path: path, reason: "the file cannot be opened")
    }
    self.handle = handle
    try writing {
      while let data = try handle.read(upToCount: 4 << 20), !data.isEmpty {
        digest.update(Array(data))
        count += data.count
        progress(count)
      }
    }
  }

  func append(_ bytes: [UInt8]) throws {
    try writing { try handle.write(contentsOf: bytes) }
    digest.update(bytes)
    count += bytes.count
  }

  /// Starts over.
  func truncate() throws {
    try writing {
      try handle.truncate(atOffset: 0)
      try handle.seek(toOffset: 0)
    }
    count = 0
    digest = HubDigest()
  }

  func close() throws {
    try writing {
      try handle.synchronize()
      try handle.close()
    }
  }

  private func writing(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch {
      throw HubError.cannotWrite(path: path, reason: error.localizedDescription)
    }
  }
}
