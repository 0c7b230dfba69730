import Foundation

/// A file mapped into memory read-only for as long as the object lives.
///
/// Unchecked: all properties are constants, the mapping is read-only, and it is there until the last user of the object is
/// gone.
public final class MappedFile: @unchecked Sendable {
  public let path: String
  public let count: Int
  /// Which file it is and when it changed last, without a look at its content.
  package let identity: FileIdentity
  let base: UnsafeRawPointer

  public init(path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw FileError.cannotOpen(path: path, reason: String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw FileError.cannotOpen(path: path, reason: "not a regular file")
    }
    guard status.st_size > 0 else { throw FileError.empty(path: path) }
    let address = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address, address != MAP_FAILED else {
      throw FileError.cannotOpen(path: path, reason: String(cString: strerror(errno)))
    }
    self.path = path
    self.count = Int(status.st_size)
    self.identity = FileIdentity(status)
    self.base = UnsafeRawPointer(address)
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: base), count) }

  /// Calls `body` with the bytes of `range`, which must lie inside the file.
  public func withBytes<Result, Failure: Error>(
    _ range: Range<Int>, _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside of the file")
    let span = RawSpan(
      _unsafeBytes: UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
    return try body(span)
  }

  /// Gives the memory of `range` back; the bytes come from the file again when they are read.
  package func release(_ range: Range<Int>) {
    let pageSize = Int(getpagesize())
    let start = range.lowerBound / pageSize * pageSize
    madvise(
      UnsafeMutableRawPointer(mutating: base + start), range.upperBound - start, MADV_DONTNEED)
  }

  /// Tells the system that all of the file will be read soon.
  func readAhead() { madvise(UnsafeMutableRawPointer(mutating: base), count, MADV_WILLNEED) }

  /// A copy of the bytes of `range`.
  public func bytes(_ range: Range<Int>) -> [UInt8] {
    withBytes(range) { $0.copy() }
  }

  /// The little-endian number at `offset`, which must lie inside the file with all its bytes.
  package func uint8(at offset: Int) -> UInt8 { withBytes(offset..<offset + 1) { $0.uint8(at: 0) } }
  package func uint16(at offset: Int) -> UInt16 {
    withBytes(offset..<offset + 2) { $0.uint16(at: 0) }
  }
  package func uint32(at offset: Int) -> UInt32 {
    withBytes(offset..<offset + 4) { $0.uint32(at: 0) }
  }
  package func uint64(at offset: Int) -> UInt64 {
    withBytes(offset..<offset + 8) { $0.uint64(at: 0) }
  }
}

/// What tells a file from its earlier and later versions.
///
/// Every write sets the time of the last change, which no program can set at will. The device is left out: its number
/// may be another after a restart.
package struct FileIdentity: Sendable, Equatable, CustomStringConvertible {
  package let description: String
  /// Seconds since 1970.
  package let changed: Int

  init(_ status: stat) {
    #if os(Linux)
      let (modified, changed) = (status.st_mtim, status.st_ctim)
    #else
      let (modified, changed) = (status.st_mtimespec, status.st_ctimespec)
    #endif
    description =
      "\(status.st_ino) \(status.st_size) "
      + "\(modified.tv_sec).\(modified.tv_nsec) \(changed.tv_sec).\(changed.tv_nsec)"
    self.changed = changed.tv_sec
  }
}

extension RawSpan {
  /// The little-endian number at byte `offset`, aligned or not; an offset outside of the span traps.
  package func uint8(at offset: Int) -> UInt8 { load(UInt8.self, at: offset) }
  package func uint16(at offset: Int) -> UInt16 {
    UInt16(littleEndian: load(UInt16.self, at: offset))
  }
  package func uint32(at offset: Int) -> UInt32 {
    UInt32(littleEndian: load(UInt32.self, at: offset))
  }
  package func uint64(at offset: Int) -> UInt64 {
    UInt64(littleEndian: load(UInt64.self, at: offset))
  }

  /// The span's bytes as an array.
  package func copy() -> [UInt8] { withUnsafeBytes { Array($0) } }

  private func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T {
    precondition(offset >= 0 && offset <= byteCount - MemoryLayout<T>.size, "outside of the span")
    return unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: type)
  }
}

public enum FileError: Error, Equatable, CustomStringConvertible {
  case cannotOpen(path: String, reason: String)
  case empty(path: String)
  case cannotWrite(path: String, reason: String)

  public var description: String {
    switch self {
    case .cannotOpen(let path, let reason): "cannot open \(path): \(reason)"
    case .empty(let path): "\(path) is empty"
    case .cannotWrite(let path, let reason): "cannot write \(path): \(reason)"
    }
  }
}
