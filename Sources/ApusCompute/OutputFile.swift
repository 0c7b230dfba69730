import Foundation

/// A new file that appears under its name only when it is complete.
///
/// Bytes go to a temporary file in the same folder; `finish` renames it. Without `finish` nothing is left behind.
package final class OutputFile {
  package let path: String
  private let temporaryPath: String
  private var descriptor: Int32

  /// Throws `FileError.cannotWrite`.
  package init(path: String) throws {
    self.path = path
    temporaryPath = "\(path).\(getpid())-\(UInt32.random(in: 0...UInt32.max)).partial"
    descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.lastError(path) }
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(temporaryPath)
  }

  /// Appends; throws when the disk is full.
  package func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let written = UnsafeRawBufferPointer(rebasing: rest).withMemoryRebound(to: UInt8.self) {
          // Some systems take less than 2 GiB at once.
          Foundation.write(descriptor, $0.baseAddress, min($0.count, 1 << 30))
        }
        guard written > 0 else {
          if written < 0, errno == EINTR { continue }
          throw Self.lastError(path)
        }
        rest = rest.dropFirst(written)
      }
    }
  }

  /// Makes the file durable and gives it its name, in place of what had it.
  package func finish() throws {
    precondition(descriptor >= 0, "the file is finished already")
    guard fsync(descriptor) == 0, rename(temporaryPath, path) == 0 else {
      throw Self.lastError(path)
    }
    close(descriptor)
    descriptor = -1
  }

  private static func lastError(_ path: String) -> FileError {
    .cannotWrite(path: path, reason: String(cString: strerror(errno)))
  }
}
