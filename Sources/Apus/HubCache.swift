import Foundation

/// The Hugging Face cache on this machine, in the layout of `huggingface_hub`.
///
/// `models--ORG--REPO/blobs` holds the bytes by ETag, `snapshots/COMMIT` links to them by name, `refs/main` names the
/// newest commit. The folder is `HF_HUB_CACHE`, `HF_HOME/hub` or `~/.cache/huggingface/hub`.
package struct HubCache {
  private let folder: String
  private let client: HubClient
  private let isOffline: Bool

  package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    let home = value("HF_HOME") ?? UserCache.folder(environment) + "/huggingface"
    folder = value("HF_HUB_CACHE") ?? value("HUGGINGFACE_HUB_CACHE") ?? home + "/hub"
    client = HubClient(environment: environment, home: home)
    isOffline = ["1", "true", "yes", "on"].contains((value("HF_HUB_OFFLINE") ?? "").lowercased())
  }

  /// The file or snapshot folder of a repository's model, downloaded if it is not there; throws `HubError`.
  ///
  /// A file that is named and cached needs no network; otherwise the hub is asked what is newest, and the cache
  /// answers when the hub cannot be reached.
  package func localPath(
    repository: String, file: String?, progress: (DownloadProgress) -> Void
  ) throws -> String {
    let cached = cachedPath(repository: repository, file: file)
    if isOffline {
      guard let cached else {
        throw HubError.notCached(Self.name(repository, file), folder: folder)
      }
      return cached
    }
    if let cached, file != nil { return cached }
    do {
      return try download(repository: repository, file: file, progress: progress)
    } catch HubError.unreachable(let endpoint, let reason) {
      guard let cached else { throw HubError.unreachable(endpoint: endpoint, reason: reason) }
      return cached
    }
  }

  private func download(
    repository: String, file: String?, progress: (DownloadProgress) -> Void
  ) throws -> String {
    let listing = try client.listing(of: repository)
    let selection = try HubSelection(repository: repository, file: file, listing: listing.files)
    let snapshot = root(repository) + "/snapshots/" + listing.commit
    for file in selection.files
    where !FileManager.default.fileExists(atPath: snapshot + "/" + file) {
      try fetch(
        file, repository: repository, commit: listing.commit, snapshot: snapshot,
        progress: progress)
    }
    try write(listing.commit, to: root(repository) + "/refs/main")
    return selection.entry.map { snapshot + "/" + $0 } ?? snapshot
  }

  private func fetch(
    _ file: String, repository: String, commit: String, snapshot: String,
    progress: (DownloadProgress) -> Void
  ) throws {
    let source = try client.source(of: file, repository: repository, commit: commit)
    let blob = root(repository) + "/blobs/" + source.etag
    let locks = "\(folder)/.locks/\(Self.folderName(repository))"
    for path in [root(repository) + "/blobs", locks] { try makeFolder(path) }
    let lock = try FileLock(path: "\(locks)/\(source.etag).lock")
    defer { lock.release() }
    // Another process may have finished while this one waited.
    if !FileManager.default.fileExists(atPath: blob) {
      try HubDownload(client: client, source: source, name: file, blob: blob).run(
        progress: progress)
    }
    try link(snapshot + "/" + file, depth: file.split(separator: "/").count, to: source.etag)
  }

  /// What an earlier download left, if it is complete.
  private func cachedPath(repository: String, file: String?) -> String? {
    let root = root(repository)
    guard let text = try? String(contentsOfFile: root + "/refs/main", encoding: .utf8) else {
      return nil
    }
    let snapshot =
      root + "/snapshots/" + text.trimmingCharacters(in: .whitespacesAndNewlines)
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: snapshot)) ?? []
    let files = names.filter { FileManager.default.fileExists(atPath: snapshot + "/" + $0) }
    guard
      let selection = try? HubSelection(repository: repository, file: file, listing: files)
    else { return nil }
    return selection.entry.map { snapshot + "/" + $0 } ?? snapshot
  }

  private func root(_ repository: String) -> String { "\(folder)/\(Self.folderName(repository))" }

  private static func folderName(_ repository: String) -> String {
    "models--" + repository.replacingOccurrences(of: "/", with: "--")
  }

  private static func name(_ repository: String, _ file: String?) -> String {
    ModelReference.hub(repository: repository, file: file).description
  }
}

extension HubCache {
  private func link(_ path: String, depth: Int, to etag: String) throws {
    try makeFolder((path as NSString).deletingLastPathComponent)
    let target = String(repeating: "../", count: depth + 1) + "blobs/" + etag
    try writing(path) {
      try? FileManager.default.removeItem(atPath: path)
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }
  }

  private func write(_ text: String, to path: String) throws {
    try makeFolder((path as NSString).deletingLastPathComponent)
    try writing(path) { try text.write(toFile: path, atomically: true, encoding: .utf8) }
  }

  private func makeFolder(_ path: String) throws {
    try writing(path) {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
  }

  private func writing(_ path: String, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch {
      throw HubError.cannotWrite(path: path, reason: error.localizedDescription)
    }
  }
}

/// Keeps two processes from downloading one file at once; the same lock that `huggingface_hub` takes.
private struct FileLock {
  private let handle: FileHandle

  init(path: String) throws {
    if !FileManager.default.fileExists(atPath: path) {
      _ = FileManager.default.createFile(atPath: path, contents: nil)
    }
    guard let handle = FileHandle(forUpdatingAtPath: path),
      flock(handle.fileDescriptor, LOCK_EX) == 0
    else { throw HubError.cannotWrite(path: path, reason: "the lock cannot be taken") }
    self.handle = handle
  }

  func release() { try? handle.close() }
}
