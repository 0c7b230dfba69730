import Foundation
import Synchronization

/// A folder that keeps packed weights from one start to the next, one file a model.
///
/// A file's name is `CONTENT-IDENTITY.apack`. CONTENT stands for the content of the model's files, down to the last
/// byte, and for the way they were packed. To know it the files have to be read in full; so IDENTITY stands for their
/// numbers, sizes and times, and while these are the same, the content is taken to be. Git relies on that too, but
/// not for files that changed a moment ago, since a second change might have the same time.
package final class PackCache: Sendable {
  private enum State {
    case found(PackFile)
    case writing(PackFileWriter)
    case closed
  }

  private let state: Mutex<State>
  private let path: String
  private let pool: WorkerPool
  private let warning: @Sendable (String) -> Void

  private static let suffix = ".apack"
  private static let digits = 32
  /// Seconds after which a change has a time of its own, on every file system.
  private static let settlingTime = 2

  /// Looks for the weights of a model, or prepares to write them.
  ///
  /// - Parameters:
  ///   - description: how the files are packed.
  ///   - now: seconds since 1970.
  ///   - warning: called with a line about a file that is of no use.
  /// - Throws: `FileError` when there is no file of use and none can be made.
  package init(
    folder: String, files: [MappedFile], description: String, pool: WorkerPool,
    now: Int = Int(Date().timeIntervalSince1970),
    warning: @escaping @Sendable (String) -> Void
  ) throws {
    self.pool = pool
    self.warning = warning
    var names = try Self.names(in: folder)
    func key(_ parts: [String]) -> String {
      ContentHash.hexadecimal(
        (["layout \(PanelShape.version)", description] + parts).joined(separator: "\n"))
    }
    /// The first of the files that is of use.
    func usable(_ isWanted: (String) -> Bool) -> (path: String, file: PackFile)? {
      for name in names where name.hasSuffix(Self.suffix) && isWanted(name) {
        names.removeAll { $0 == name }
        let path = folder + "/" + name
        do {
          let content = String(name.prefix(Self.digits))
          return (path, try PackFile(path: path, keyPrefix: content, pool: pool))
        } catch  where FileManager.default.fileExists(atPath: path) {
          warning("the packed weights in \(path) are of no use: \(Self.reason(error))")
        } catch {
          // Another process has given it its new name since.
        }
      }
      return nil
    }

    let isSettled = files.allSatisfy { $0.identity.changed < now - Self.settlingTime }
    let identity =
      isSettled ? String(key(files.map(\.identity.description)).prefix(Self.digits)) : "new"
    if isSettled, let (path, file) = usable({ $0.hasSuffix("-" + identity + Self.suffix) }) {
      self.path = path
      state = Mutex(.found(file))
      return
    }
    let content = key(files.map { ContentHash.hexadecimal($0, pool: pool) })
    let prefix = String(content.prefix(Self.digits)) + "-"
    path = folder + "/" + prefix + identity + Self.suffix
    if let (found, file) = usable({ $0.hasPrefix(prefix) }) {
      // From now on it is found by this identity; if not, it is looked for like this again.
      rename(found, path)
      state = Mutex(.found(file))
    } else if let writer = try PackFileWriter(path: path, key: content) {
      state = Mutex(.writing(writer))
    } else {
      state = Mutex(.closed)
    }
  }

  /// What is in the folder, which is made if it is missing.
  private static func names(in folder: String) throws -> [String] {
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw FileError.cannotOpen(path: folder, reason: String(cString: strerror(errno)))
    }
    close(descriptor)
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  private static func reason(_ error: any Error) -> String {
    if case FileError.cannotOpen(_, let reason) = error { return reason }
    return "\(error)"
  }

  /// The matrix of that name: out of the file, or packed now and written to it.
  package func matrix(
    _ name: String, _ shape: PanelShape, sources: () throws -> [StoredMatrix],
    pack: ([StoredMatrix]) -> PackedMatrix
  ) rethrows -> PackedMatrix {
    if let bytes = bytes(name, count: shape.byteCount) { return PackedMatrix(shape, panels: bytes) }
    let matrix = pack(try sources())
    add(name, matrix.panels)
    return matrix
  }

  /// The rows of that name, likewise.
  package func rows(
    _ name: String, type: TensorType, rows: Int, columns: Int, make: () throws -> StoredMatrix
  ) rethrows -> StoredMatrix {
    let count = rows * (columns / type.blockSize * type.blockByteCount)
    if let bytes = bytes(name, count: count) {
      return StoredMatrix(bytes, type: type, rows: rows, columns: columns)
    }
    let matrix = try make()
    add(name, matrix.bytes)
    return matrix
  }

  /// Gives the file its name; to be called when all weights were asked for.
  package func finish() {
    state.withLock { state in
      guard case .writing(let writer) = state else { return }
      state = .closed
      do { try writer.finish() } catch { warn(error) }
    }
  }

  private func bytes(_ name: String, count: Int) -> WeightBytes? {
    state.withLock { state in
      guard case .found(let file) = state, let bytes = file.sections[name], bytes.count == count
      else { return nil }
      return bytes
    }
  }

  private func add(_ name: String, _ bytes: WeightBytes) {
    state.withLock { state in
      guard case .writing(var writer) = state else { return }
      state = .closed
      do {
        try writer.add(name, bytes.buffer, pool: pool)
        state = .writing(writer)
      } catch {
        warn(error)
      }
    }
  }

  /// A full disk costs the file, not the start.
  private func warn(_ error: any Error) {
    warning("the packed weights are not kept: \(error)")
  }
}
