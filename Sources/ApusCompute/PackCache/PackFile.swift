import ApusCore
import Foundation

/// A file of packed weights, mapped.
///
///     0     the letters "apuspack", the number of this format (1)
///     16    offset, byte count and checksum of the table
///     40    the key: 64 hexadecimal digits that stand for all that the weights were made of
///     104   checksum of the bytes before
///     128   sections, each at a multiple of 64, zeros between them
///           table: a JSON array of objects with name, offset, count and checksum of each section
///
/// Numbers are little endian, of 64 bits. The file is verified in full when it is opened, on all threads: the first
/// step would read all of it in any case, so that what is added is one pass over memory, at its full speed. Files are
/// never changed but replaced, so that what was verified stays as it was.
struct PackFile {
  /// By name.
  let sections: [String: WeightBytes]

  static let letters = Array("apuspack".utf8)
  static let format = 1
  static let headByteCount = 112
  static let alignment = 64
  static let start = 128
  static let keyCount = 64

  /// Throws `PackFileError`, or `FileError` when the file cannot be opened.
  init(path: String, keyPrefix: String, pool: WorkerPool) throws {
    let file = try MappedFile(path: path)
    guard file.count >= Self.start else { throw PackFileError.truncated }
    let head = file.bytes(0..<Self.headByteCount)
    guard head.starts(with: Self.letters), file.uint64(at: 8) == Self.format else {
      throw PackFileError.otherFormat
    }
    let headSum = head.dropLast(8).withUnsafeBytes { Checksum.of($0) }
    guard file.uint64(at: Self.headByteCount - 8) == headSum else {
      throw PackFileError.damaged("the head")
    }
    let key = head[40..<40 + Self.keyCount]
    guard key.starts(with: keyPrefix.utf8) else { throw PackFileError.otherKey }
    let (start, count) = (file.uint64(at: 16), file.uint64(at: 24))
    let (end, overflow) = start.addingReportingOverflow(count)
    guard !overflow, end == file.count else { throw PackFileError.truncated }
    let table = file.bytes(Int(start)..<Int(end))
    guard table.withUnsafeBytes({ Checksum.of($0) }) == file.uint64(at: 32) else {
      throw PackFileError.damaged("the table")
    }
    file.readAhead()
    sections = try Self.sections(table, of: file, limit: Int(start), pool: pool)
  }

  private static func sections(
    _ table: [UInt8], of file: MappedFile, limit: Int, pool: WorkerPool
  ) throws -> [String: WeightBytes] {
    var result: [String: WeightBytes] = [:]
    guard let entries = (try? JSONValue(parsing: table))?.arrayValue else {
      throw PackFileError.damaged("the table")
    }
    for entry in entries {
      guard let name = entry["name"]?.stringValue, let offset = entry["offset"]?.intValue,
        let count = entry["count"]?.intValue, let text = entry["checksum"]?.stringValue,
        offset >= start, offset % alignment == 0, count >= 0, count <= limit - offset
      else { throw PackFileError.damaged("the table") }
      let bytes = WeightBytes(file, offset..<offset + count)
      guard Checksum.of(bytes.buffer, pool: pool) == UInt64(text, radix: 16) else {
        throw PackFileError.damaged(name)
      }
      result[name] = bytes
    }
    return result
  }
}

/// Why a file of packed weights is of no use.
enum PackFileError: Error, Equatable, CustomStringConvertible {
  case truncated
  case otherFormat
  case otherKey
  case damaged(String)

  var description: String {
    switch self {
    case .truncated: "it is incomplete"
    case .otherFormat: "it has another format"
    case .otherKey: "it belongs to another model"
    case .damaged(let part): "\(part) is damaged"
    }
  }
}

/// Writes a `PackFile` section by section.
struct PackFileWriter {
  private let output: OutputFile
  private let key: String
  private var position = PackFile.start
  private var table: [JSONValue] = []

  /// Nil while another process writes the same file; throws `FileError`.
  init?(path: String, key: String) throws {
    precondition(key.utf8.count == PackFile.keyCount)
    guard let output = try OutputFile(shared: path) else { return nil }
    try output.write([UInt8](repeating: 0, count: PackFile.start))
    self.output = output
    self.key = key
  }

  mutating func add(_ name: String, _ bytes: UnsafeRawBufferPointer, pool: WorkerPool) throws {
    let sum = Checksum.of(bytes, pool: pool)
    table.append([
      "name": .string(name), "offset": .integer(Int64(position)),
      "count": .integer(Int64(bytes.count)), "checksum": .string(String(sum, radix: 16)),
    ])
    try output.write(bytes)
    let rest = -bytes.count & (PackFile.alignment - 1)
    try output.write([UInt8](repeating: 0, count: rest))
    position += bytes.count + rest
  }

  /// Completes the file, which has its name then.
  ///
  /// Nothing waits for the disk: what a loss of power leaves incomplete is found when the file is opened.
  func finish() throws {
    let text = JSONValue.array(table).utf8
    try output.write(text)
    var head = PackFile.letters
    func append(_ number: UInt64) {
      head += (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64($0 * 8)) }
    }
    append(UInt64(PackFile.format))
    append(UInt64(position))
    append(UInt64(text.count))
    append(text.withUnsafeBytes { Checksum.of($0) })
    head += Array(key.utf8)
    append(head.withUnsafeBytes { Checksum.of($0) })
    try output.rewind()
    try output.write(head)
    try output.finish(durably: false)
  }
}
