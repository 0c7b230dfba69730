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

  /// A file that other processes may be about to write as well: nil while one of them does.
  package init?(shared path: String) throws {
    self.path = path
    temporaryPath = path + ".partial"
    descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.lastError(path) }
    // A lock ends with its process, so that what a killed one left is taken over.
    var (own, named) = (stat(), stat())
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, fstat(descriptor, &own) == 0,
      stat(temporaryPath, &named) == 0, own.st_ino == named.st_ino, ftruncate(descriptor, 0) == 0
    else {
      close(descriptor)
      descriptor = -1
      return nil
    }
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(temporaryPath)
  }

  /// Appends; throws when the disk is full.
  package func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try write($0) }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest)
      // Some systems take less than 2 GiB at once.
      let written = Foundation.write(descriptor, part.baseAddress, min(part.count, 1 << 30))
      guard written > 0 else {
        if written < 0, errno == EINTR { continue }
        throw Self.lastError(path)
      }
      rest = rest.dropFirst(written)
    }
  }

  /// Goes back to the start of the file, to overwrite what stands there.
  func rewind() throws {
    guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw Self.lastError(path) }
  }

  /// Gives the file its name, in place of what had it; `durably` waits until it is on the disk.
  package func finish(durably: Bool = true) throws {
    precondition(descriptor >= 0, "the file is finished already")
    guard !durably || fsync(descriptor) == 0, rename(temporaryPath, path) == 0 else {
      throw Self.lastError(path)
    }
    close(descriptor)
    descriptor = -1
  }

  private static func lastError(_ path: String) -> FileError {
    .cannotWrite(path: path, reason: String(cString: strerror(errno)))
  }
}
