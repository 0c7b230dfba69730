/// A prefix tree over bytes whose edges stand in one hash table.
struct ByteTrie: Sendable {
  static let root: Int32 = 0

  private var edges = PairTable(capacity: 8)
  private var values: [Int32] = [-1]
  private var first: [Int32] = Array(repeating: -1, count: 256)

  var isEmpty: Bool { values.count == 1 }

  init() {}

  mutating func insert(_ piece: some Collection<UInt8>, _ value: Int32) {
    var node = Self.root
    for byte in piece {
      var next = child(node, byte)
      if next < 0 {
        next = Int32(values.count)
        values.append(-1)
        edges.insert(node, Int32(byte), rank: 0, result: next, overwrite: true)
        if node == Self.root { first[Int(byte)] = next }
      }
      node = next
    }
    values[Int(node)] = value
  }

  /// The node one byte further on, or -1.
  @inline(__always)
  func child(_ node: Int32, _ byte: UInt8) -> Int32 {
    if node == Self.root { return first[Int(byte)] }
    let found = edges.find(node, Int32(byte))
    return found == UInt64.max ? -1 : Int32(truncatingIfNeeded: found & 0xFFFF_FFFF)
  }

  /// The value at a node, or -1.
  @inline(__always)
  func value(_ node: Int32) -> Int32 { values[Int(node)] }

  /// The longest key that the text has at a position.
  func longestMatch(_ text: [UInt8], _ position: Int, _ end: Int) -> (value: Int32, length: Int)? {
    var node = Self.root
    var index = position
    var best: (value: Int32, length: Int)?
    while index < end {
      node = child(node, text[index])
      if node < 0 { break }
      index += 1
      if values[Int(node)] >= 0 { best = (values[Int(node)], index - position) }
    }
    return best
  }
}
