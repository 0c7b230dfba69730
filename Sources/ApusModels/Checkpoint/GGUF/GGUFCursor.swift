import ApusCompute

/// Reads a GGUF header front to back; every read is checked against the end of the file first.
struct GGUFCursor {
  let file: MappedFile
  private(set) var offset = 0

  init(_ file: MappedFile) { self.file = file }

  var remaining: Int { file.count - offset }

  mutating func uint8() throws -> UInt8 { file.uint8(at: try take(1)) }
  mutating func uint16() throws -> UInt16 { file.uint16(at: try take(2)) }
  mutating func uint32() throws -> UInt32 { file.uint32(at: try take(4)) }
  mutating func uint64() throws -> UInt64 { file.uint64(at: try take(8)) }

  /// A count of things that each need at least `minimum` bytes of what remains.
  mutating func count(of what: String, minimum: Int) throws -> Int {
    let value = try uint64()
    guard value <= UInt64(remaining / minimum) else {
      throw malformed("\(value) \(what) do not fit into the \(remaining) bytes that remain")
    }
    return Int(value)
  }

  /// A string with a 64-bit length; bytes that are not UTF-8 are repaired.
  mutating func string() throws -> String {
    let length = try count(of: "bytes of a string", minimum: 1)
    let start = try take(length)
    return String(decoding: file.bytes(start..<start + length), as: UTF8.self)
  }

  /// Moves past `count` bytes and returns where they start.
  mutating func take(_ count: Int) throws -> Int {
    guard count <= remaining else {
      throw malformed("it ends at byte \(file.count) in the middle of its header")
    }
    defer { offset += count }
    return offset
  }

  func malformed(_ reason: String) -> CheckpointError {
    .malformed(file: file.path, reason: reason)
  }
}
