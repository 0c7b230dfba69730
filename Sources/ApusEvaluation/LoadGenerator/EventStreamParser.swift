/// Reads server-sent events from bytes that are split anywhere (WHATWG HTML, section 9.2).
package struct EventStreamParser {
  /// Bytes of an event; more is a broken stream.
  package static let limit = 16 << 20

  private var line: [UInt8] = []
  private var data: [UInt8] = []
  private var hasData = false
  private var endedWithReturn = false
  private var isFirstLine = true

  package init() {}

  /// Passes on the data of each event that ends in these bytes; throws `LoadFailure.malformed` and what `body` throws.
  package mutating func read(
    _ bytes: some Sequence<UInt8>, _ body: ([UInt8]) throws -> Void
  ) throws {
    for byte in bytes {
      let followsReturn = endedWithReturn
      endedWithReturn = byte == UInt8(ascii: "\r")
      if byte == UInt8(ascii: "\n"), followsReturn { continue }
      if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
        try endLine(body)
      } else {
        line.append(byte)
        guard line.count + data.count <= Self.limit else {
          throw LoadFailure.malformed("an event of more than \(Self.limit) bytes")
        }
      }
    }
  }

  private mutating func endLine(_ body: ([UInt8]) throws -> Void) throws {
    var content = line[...]
    if isFirstLine, content.starts(with: [0xEF, 0xBB, 0xBF]) { content = content.dropFirst(3) }
    isFirstLine = false
    defer { line.removeAll(keepingCapacity: true) }
    guard !content.isEmpty else {
      guard hasData else { return }
      defer {
        data.removeAll(keepingCapacity: true)
        hasData = false
      }
      try body(data)
      return
    }
    let colon = content.firstIndex(of: UInt8(ascii: ":")) ?? content.endIndex
    // Other fields, and comments, whose name is empty, mean nothing here.
    guard content[..<colon].elementsEqual("data".utf8) else { return }
    var value = content[colon...].dropFirst()
    if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
    if hasData { data.append(UInt8(ascii: "\n")) }
    data += value
    hasData = true
  }
}
